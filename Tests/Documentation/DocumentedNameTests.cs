using System.Text.RegularExpressions;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// What the documents name is there: every folder and file, every type, member and environment variable in backticks, every link. A document that names
/// what was renamed or removed fails here.
/// </summary>
public sealed partial class DocumentedNameTests
{
    private static readonly Lazy<HashSet<string>> s_words = new(() => [.. Words(RepositoryFiles.Sources())]);
    private static readonly Lazy<HashSet<string>> s_files = new(() => [.. RepositoryFiles.Files(".", "*").Select(static f => Path.GetFileName(f))]);
    private static readonly Lazy<HashSet<string>> s_types = new(() => [.. RepositoryFiles.Sources().SelectMany(f => TypeName().Matches(RepositoryFiles.Read(f))).Select(m => m.Groups[1].Value)]);

    /// <summary>Decisions (docs/adr) tell of their day and are not among them.</summary>
    public static TheoryData<string> Documents =>
        [.. RepositoryFiles.Files(".", "*.md").Where(f => !f.StartsWith("docs/adr/", StringComparison.Ordinal) && !f.StartsWith("benchmarks/", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Names_in_documents_exist(string document)
    {
        string text = WithoutBlocks(RepositoryFiles.Read(document));
        string[] strays = [.. Quoted().Matches(text).Select(m => m.Groups[1].Value).Where(name => !Exists(name, document)).Distinct()];
        Assert.Empty(strays);
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Links_lead_somewhere(string document)
    {
        string folder = Path.GetDirectoryName(document)!;
        string[] strays = [.. Link().Matches(WithoutBlocks(RepositoryFiles.Read(document))).Select(m => m.Groups[1].Value.Split('#')[0])
            .Where(l => l.Length > 0 && !l.Contains("://", StringComparison.Ordinal) && !Path.Exists(Path.Combine(RepositoryFiles.Root, folder, l)))];
        Assert.Empty(strays);
    }

    /// <summary>Each hop of the walk is in the file, and in the methods, that the row names.</summary>
    [Theory]
    [MemberData(nameof(Hops))]
    public void Each_hop_of_the_walk_is_where_the_row_says(string files, string methods) => Assert.Empty(StrayMethods(files, methods));

    [Fact]
    public void A_hop_that_is_elsewhere_is_found() => Assert.Equal(["Receive"], StrayMethods("Pmd/PmdPoller.cs", "PmdPoller.Step, Receive"));

    /// <summary>Files and methods of the rows of docs/walk.md that have both.</summary>
    public static TheoryData<string, string> Hops
    {
        get
        {
            TheoryData<string, string> hops = [];
            foreach (string line in RepositoryFiles.Read("docs/walk.md").Split('\n'))
            {
                string[][] cells = [.. line.Split('|').Select(static c => Quoted().Matches(c).Select(static m => m.Groups[1].Value).ToArray())];
                int file = Array.FindIndex(cells, static c => c.Length > 0 && c[0].EndsWith(".cs", StringComparison.Ordinal));
                if (file >= 0) hops.Add(string.Join(", ", cells[file]), string.Join(", ", cells[file + 1]));
            }

            return hops;
        }
    }

    private static string[] StrayMethods(string files, string methods)
    {
        string text = string.Concat(files.Split(", ").Select(static f => RepositoryFiles.Read("Engine/" + f)));
        return [.. methods.Split(", ").Select(static m => m.Split('.')[^1]).Where(m => !Regex.IsMatch(text, $@"^ +(?:public|private|internal|protected)[^=;(]* {m}(?:<\w+>)?\(", RegexOptions.Multiline))];
    }

    /// <summary>The check itself can fail.</summary>
    [Theory]
    [InlineData("Engine/Nowhere")]
    [InlineData("Engine/Pmd/NoSuchThread.cs")]
    [InlineData("NoSuchThread")]
    [InlineData("PmdThread.NoSuchMember")]
    [InlineData("MERGEFLOW_NO_SUCH_THING")]
    public void What_is_not_there_is_found(string name) => Assert.False(Exists(name, "README.md"));

    [Theory]
    [InlineData("Engine/Pmd")]
    [InlineData("Tests/Documentation")]
    [InlineData("PmdThread")]
    [InlineData("PmdThread.ProcessBatch")]
    [InlineData("MERGEFLOW_SEED")]
    public void What_is_there_is_found(string name) => Assert.True(Exists(name, "README.md"));

    private static bool Exists(string name, string document)
    {
        if (name.StartsWith("Mergeflow.", StringComparison.Ordinal)) return name.Split('.').All(s_words.Value.Contains);
        if (FileName().IsMatch(name)) return s_files.Value.Contains(name) || IsPath(name, document);
        if (PathName().IsMatch(name)) return IsPath(name, document);
        if (Variable().IsMatch(name)) return s_words.Value.Contains(name) || ReadsVariable(name);
        if (!TypeOrMember().IsMatch(name)) return true;
        string[] parts = name.Split('.');
        return parts.All(s_words.Value.Contains) && (parts.Length == 1 || s_types.Value.Contains(parts[0]));
    }

    /// <summary>From the top, from the document's folder, or a folder of the engine.</summary>
    private static bool IsPath(string name, string document)
    {
        string path = name.TrimEnd('/');
        return new[] { "", Path.GetDirectoryName(document)!, "Engine", "docs" }
            .Any(from => Path.Exists(Path.Combine(RepositoryFiles.Root, from, path)));
    }

    private static bool ReadsVariable(string name) => File.ReadAllText(Path.Combine(RepositoryFiles.Root, ".ci/run")).Contains(name, StringComparison.Ordinal);

    private static string WithoutBlocks(string text) => Fenced().Replace(text, "");

    /// <summary>Identifiers of the sources, and words within names of variables; comments do not count.</summary>
    private static IEnumerable<string> Words(IEnumerable<string> files)
        => files.Where(static f => !f.EndsWith(nameof(DocumentedNameTests) + ".cs", StringComparison.Ordinal))
            .SelectMany(f => Identifier().Matches(Comment().Replace(RepositoryFiles.Read(f), "")).Select(m => m.Value));

    [GeneratedRegex(@"`([^`\n]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fenced();

    /// <summary>A file without its folder: there is one of that name.</summary>
    [GeneratedRegex(@"^\w[\w.-]*\.(?:cs|md|csproj|sln|sh|props)$")]
    private static partial Regex FileName();

    /// <summary>A folder or a file in one.</summary>
    [GeneratedRegex(@"^(?:(?:Engine|Native|Nic|Cli|Perf|Tests|PropertyTests|Control|docs|benchmarks|\.ci)/[\w./-]*|[\w.-]+/[\w./-]+\.(?:cs|md|csproj|sln|sh|props))$")]
    private static partial Regex PathName();

    [GeneratedRegex(@"^MERGEFLOW_[A-Z_]+$")]
    private static partial Regex Variable();

    /// <summary>Two humps at least: words of other worlds (`Untracked`, `EINVAL`) are not names of ours.</summary>
    [GeneratedRegex(@"^[A-Z][a-z0-9]+(?:[A-Z][A-Za-z0-9]*)+(?:\.[A-Z][A-Za-z0-9]*)*$|^[A-Z][A-Za-z0-9]+(?:\.[A-Z][A-Za-z0-9]*)+$")]
    private static partial Regex TypeOrMember();

    [GeneratedRegex(@"\b(?:class|struct|interface|enum|record(?: struct)?)\s+(\w+)")]
    private static partial Regex TypeName();

    [GeneratedRegex(@"^\s*///.*$|//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"[A-Za-z_]\w+")]
    private static partial Regex Identifier();
}
