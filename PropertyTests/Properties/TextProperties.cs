using FsCheck.Xunit;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>What is printed parses back to what it was (property 11 of the contract).</summary>
public sealed class TextProperties(ITestOutputHelper output) : IDisposable
{
    private readonly RunStatistics _statistics = new();

    public void Dispose() => output.WriteLine(_statistics.Report("lines"));

    [SeededProperty(MaxTest = 150, Arbitrary = [typeof(CaseArbitraries)])]
    public void A_flow_survives_printing(CaseSeed seed)
    {
        var chance = new Chance(seed.Value);
        var rules = new PipelineGenerator(chance, conntrack: true);
        var formatter = new FlowTextFormatter();
        List<string> lines = rules.Flows();
        for (int i = 0; i < 10; i++) lines.Add(rules.Modification());
        foreach (string line in lines)
        {
            FlowMod first = FuzzCase.Parser.ParseFlow(line);
            string text = formatter.Format(first);
            FlowMod again = FuzzCase.Parser.ParseFlow(text);
            _statistics.Add("lines");
            if (line.Contains("ct(", StringComparison.Ordinal)) _statistics.Add("with ct");
            Assert.True(Match.Same(ref first.Match, ref again.Match), $"match of {line}\n{text}");
            Assert.True(first.Actions.Equals(again.Actions), $"actions of {line}\n{text}");
            Assert.Equal(
                (first.Command, first.Table, first.Priority, first.Cookie, first.CookieMask, first.NewCookie, first.Flags),
                (again.Command, again.Table, again.Priority, again.Cookie, again.CookieMask, again.NewCookie, again.Flags));
            Assert.Equal(text, formatter.Format(again));
        }

        foreach (string line in rules.Groups())
        {
            GroupMod first = FuzzCase.Parser.ParseGroup(line);
            Assert.Equal(first, FuzzCase.Parser.ParseGroup(formatter.Format(first)));
        }
    }
}
