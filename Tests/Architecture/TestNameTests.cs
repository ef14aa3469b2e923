using System.Text.RegularExpressions;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// A test's name is a sentence with underscores: words in small letters behind the first, abbreviations in capitals, and the few names that are written in
/// their own way. Read from the sources, so that it holds for every test project.
/// </summary>
public sealed partial class TestNameTests
{
    private const int LeastTests = 60;

    /// <summary>An abbreviation, or a name with capitals of its own.</summary>
    private const string ProperName = "[A-Z][A-Z0-9]+|OpenFlow|Open_vSwitch|Ethernet|Geneve|IPv[46]|ICMPv6";

    /// <summary>Projects that refer to a test framework.</summary>
    public static TheoryData<string> TestProjects =>
        [.. RepositoryFiles.Files(".", "*.csproj").Where(static p => Framework().IsMatch(RepositoryFiles.Read(p))).Select(static p => Path.GetDirectoryName(p)!)];

    [Theory]
    [MemberData(nameof(TestProjects))]
    public void A_test_is_named_by_a_sentence(string project)
    {
        string[] names = [.. RepositoryFiles.Sources(project).SelectMany(static f => Names(RepositoryFiles.Read(f)))];
        Assert.True(names.Length >= LeastTests, $"{project}: {names.Length} tests were found");
        Assert.DoesNotContain(names, static n => !Sentence().IsMatch(n));
    }

    [Fact]
    public void Both_test_projects_are_looked_at() => Assert.Superset(new HashSet<string> { "Tests", "PropertyTests" }, TestProjects.Select(static r => r.Data).ToHashSet());

    /// <summary>No test is passed over: each attribute of the framework is followed by a name.</summary>
    [Theory]
    [MemberData(nameof(TestProjects))]
    public void Every_test_is_found(string project)
    {
        foreach (string file in RepositoryFiles.Sources(project))
        {
            string text = RepositoryFiles.Read(file);
            Assert.True(Attribute().Count(text) == Names(text).Count(), $"{file}: a test without a name that this test can read");
        }
    }

    [Theory]
    [InlineData("Groups", true)]
    [InlineData("A_flush_forgets_every_connection", true)]
    [InlineData("An_ICMPv6_error_is_read_as_Open_vSwitch_3_1_does", true)]
    [InlineData("Rules_for_the_NIC_match_IPv4_and_16_bits", true)]
    [InlineData("AFlushForgetsEveryConnection", false)]
    [InlineData("Flush_Forgets", false)]
    [InlineData("Flush_forgetsAll", false)]
    [InlineData("a_flush", false)]
    [InlineData("A__flush", false)]
    public void A_sentence_is_told_from_other_names(string name, bool isSentence) => Assert.Equal(isSentence, Sentence().IsMatch(name));

    private static IEnumerable<string> Names(string source) => Test().Matches(source).Select(static m => m.Groups[1].Value);

    [GeneratedRegex(@"PackageReference Include=""[\w.]*xunit", RegexOptions.IgnoreCase)]
    private static partial Regex Framework();

    [GeneratedRegex(@"^[ \t]*\[(?:Fact|Theory|\w*Property)\b", RegexOptions.Multiline)]
    private static partial Regex Attribute();

    /// <summary>From the attribute, over the data in other attributes and comments, to the name in front of the parameters.</summary>
    [GeneratedRegex(@"^[ \t]*\[(?:Fact|Theory|\w*Property)\b(?:(?!^[ \t]*(?:public|internal|private)\b).)*?^[ \t]*(?:\[[^\]\n]*\][ \t]*)*public (?:static |async |unsafe )*[\w<>\[\],]+ (\w+)(?:<\w+>)?\(",
        RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Test();

    [GeneratedRegex($"^(?:[A-Z][a-z0-9]*|{ProperName})(?:_(?:[a-z][a-z0-9]*|[0-9]+|{ProperName}))*$")]
    private static partial Regex Sentence();
}
