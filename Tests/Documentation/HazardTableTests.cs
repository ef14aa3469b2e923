using System.Text.RegularExpressions;
using Xunit;
using Match = System.Text.RegularExpressions.Match;

namespace Mergeflow.Tests;

/// <summary>The tests that <c>docs/merge.md</c> names for each hazard exist.</summary>
public sealed partial class HazardTableTests
{
    [Fact]
    public void Every_hazard_has_a_test_that_exists()
    {
        string[] rows = [.. RepositoryFiles.Read("docs/merge.md").Split('\n').Where(l => l.StartsWith("| ", StringComparison.Ordinal) && TestName().IsMatch(l))];
        Assert.True(rows.Length >= 28, $"{rows.Length} hazards and faults have a test");
        foreach (Match name in rows.SelectMany(r => TestName().Matches(r)))
        {
            Type? type = typeof(HazardTableTests).Assembly.GetType("Mergeflow.Tests." + name.Groups[1].Value);
            Assert.True(type is not null, $"docs/merge.md: there is no class {name.Groups[1].Value}");
            Assert.True(type.GetMethod(name.Groups[2].Value)?.GetCustomAttributes(typeof(FactAttribute), inherit: true).Length > 0, $"docs/merge.md: there is no test {name.Value}");
        }
    }

    [GeneratedRegex("`([A-Za-z]+Tests)\\.([A-Za-z_]+)`")]
    private static partial Regex TestName();
}
