using System.Text.RegularExpressions;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The tests that <c>docs/mutants.md</c> names for each mutant exist: here, or among the property tests, of which only the sources are at hand.</summary>
public sealed partial class MutantTableTests
{
    private const int LeastMutants = 60;

    [Fact]
    public void Every_mutant_is_killed_by_a_test_that_exists()
    {
        string[][] rows = [.. RepositoryFiles.Read("docs/mutants.md").Split('\n').Where(static l => l.StartsWith("| ", StringComparison.Ordinal)).Select(static l => l.Trim('|', ' ').Split(" | ")).Skip(1)];
        Assert.True(rows.Length >= LeastMutants, $"{rows.Length} mutants");
        foreach (string[] row in rows)
        {
            Assert.True(row.Length == 3, $"docs/mutants.md: {string.Join(" | ", row)}: place, fault and test");
            MatchCollection names = TestName().Matches(row[2]);
            Assert.True(names.Count > 0, $"docs/mutants.md: {row[0]}, {row[1]}: no test");
            Assert.All(names, static n => Assert.True(Exists(n.Groups[1].Value, n.Groups[2].Value), $"docs/mutants.md: there is no test {n.Value}"));
        }
    }

    [Theory]
    [InlineData("MutantTableTests", "Every_mutant_is_killed_by_a_test_that_exists", true)]
    [InlineData("RuleBlockLitmus", "Two_receivers_and_a_query", true)]
    [InlineData("MutantTableTests", "Exists", false)]
    [InlineData("MutantTableTests", "NoSuchTest", false)]
    [InlineData("RuleBlockLitmus", "NoSuchTest", false)]
    [InlineData("RuleBlockLitmus", "Run", false)]
    [InlineData("NoSuchLitmus", "Two_receivers_and_a_query", false)]
    public void A_test_is_found_where_there_is_one(string type, string method, bool exists) => Assert.Equal(exists, Exists(type, method));

    private static bool Exists(string type, string method)
    {
        if (typeof(MutantTableTests).Assembly.GetType("Mergeflow.Tests." + type) is { } here) return here.GetMethod(method)?.GetCustomAttributes(typeof(FactAttribute), inherit: true).Length > 0;
        string pattern = $@"\[(?:Fact|Theory|SeededProperty)\b[^;{{}}]*?\bpublic\s+[\w<>]+(?:\s+[\w<>]+)?\s+{method}\(";
        return RepositoryFiles.Files("PropertyTests", type + ".cs").Any(f => Regex.IsMatch(RepositoryFiles.Read(f), pattern));
    }

    [GeneratedRegex("`([A-Z][A-Za-z0-9]*(?:Tests|Litmus|Properties))\\.([A-Za-z0-9_]+)")]
    private static partial Regex TestName();
}
