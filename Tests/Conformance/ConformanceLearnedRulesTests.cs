using System.Text.Json;
using System.Text.RegularExpressions;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Which rules there are at the end of a case whose packets learn rules and shorten timeouts: as <c>ovs-ofctl dump-flows</c> printed them there.</summary>
public sealed partial class ConformanceLearnedRulesTests
{
    /// <summary>Cases that were recorded with the rules as text.</summary>
    public static TheoryData<string, OffloadMode> Runs
    {
        get
        {
            TheoryData<string, OffloadMode> runs = [];
            foreach (string name in CaseFiles.Names.Where(static n => n.StartsWith("learn_", StringComparison.Ordinal) || n.StartsWith("fin_", StringComparison.Ordinal)))
            {
                foreach (OffloadMode offload in Enum.GetValues<OffloadMode>()) runs.Add(name, offload);
            }

            return runs;
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void Rules_at_the_end_are_the_recorded_ones(string name, OffloadMode offload)
    {
        ConformanceCase @case = CaseFiles.Load(name);
        string[] expected = [.. @case.ReadJson("final.json.gz")!.Value.GetProperty("flows").EnumerateArray().Select(static f => Normal(f.GetString()!))];
        Assert.NotEmpty(expected);

        Simulator? simulator = null;
        using MemoryStream output = new();
        ReplaySession.Run(ReplayArguments.FromCase(@case.Directory) with { Offload = offload, Quirks = Quirks.Ovs31 }, output, TestContext.Current.CancellationToken, beforeEvent: s => simulator = s);
        var formatter = new FlowTextFormatter();
        string[] got = [.. simulator!.Pipeline.Rules.Select(r => Normal(formatter.Format(r, simulator.NowMs)))];
        Assert.Equal(expected.Order(StringComparer.Ordinal), got.Order(StringComparer.Ordinal));
    }

    /// <summary>Without ages, and with the fields of a match in alphabetical order. Loads are <c>set_field</c> over OpenFlow 1.5.</summary>
    private static string Normal(string flow)
    {
        flow = Ages().Replace(flow, "");
        flow = Loads().Replace(flow, static m => AsSetField(m));
        int priority = flow.IndexOf("priority=", StringComparison.Ordinal), actions = flow.IndexOf(" actions=", StringComparison.Ordinal);
        if (priority < 0) (flow, priority) = (flow.Insert(actions, "priority=32768"), actions);
        actions = flow.IndexOf(" actions=", StringComparison.Ordinal);
        string match = string.Join(',', flow[priority..actions].Split(',').Order(StringComparer.Ordinal));
        return flow[..priority] + match + flow[actions..];
    }

    private static string AsSetField(System.Text.RegularExpressions.Match load)
    {
        FlowMod mod = new FlowTextParser().ParseFlow($"actions={load.Value}");
        return new FlowTextFormatter().Format(((OfSetField)mod.Actions[0]) with { Spelling = OfSetSpelling.SetField });
    }

    [GeneratedRegex("(duration|idle_age|hard_age)=[^,]*, ")]
    private static partial Regex Ages();

    [GeneratedRegex("load:(0x)?[0-9a-f]+->[^,)]*")]
    private static partial Regex Loads();
}
