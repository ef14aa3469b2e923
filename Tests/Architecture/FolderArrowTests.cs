using System.Text.RegularExpressions;
using Xunit;
using Match = System.Text.RegularExpressions.Match;

namespace Mergeflow.Tests;

/// <summary>
/// Which folder of Engine knows which: each has its own namespace, so the using lines of its files are its arrows. The table in docs/ARCHITECTURE.md lists
/// those that are allowed, in an order in which all point up. A new arrow is a decision, so it has to be added there.
/// </summary>
public sealed partial class FolderArrowTests
{
    private const int MaxFilesPerFolder = 34;

    /// <summary>Where pointers are. Rules, text, profiles and timers get by without.</summary>
    private static readonly string[] s_unsafeFolders =
    [
        "Engine/Actions", "Engine/Conntrack", "Engine/Keys", "Engine/Lookup", "Engine/Offload", "Engine/OpenFlow", "Engine/Packets", "Engine/Pmd",
        "Engine/Ports", "Engine/Runtime", "Engine/Telemetry", "Engine/Upcall", "Engine/Xlate", "Nic/Device", "Nic/Kernel", "Nic/Parsing", "Nic/Tables",
    ];

    public static TheoryData<string> Folders => [.. Listed().Select(static f => f.Folder)];

    [Fact]
    public void Every_folder_is_in_the_list()
        => Assert.Equal(RepositoryFiles.Sources("Engine").Select(FolderOf).Distinct().Order(), Listed().Select(static f => f.Folder).Order());

    [Fact]
    public void Every_arrow_of_the_list_points_up()
    {
        List<string> above = [], strays = [];
        foreach ((string folder, string[] uses) in Listed())
        {
            strays.AddRange(uses.Except(above).Select(u => $"{folder} -> {u}"));
            above.Add(folder);
        }

        Assert.Empty(strays);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_folder_uses_what_the_list_says_and_nothing_else(string folder)
    {
        IEnumerable<string> used = RepositoryFiles.Sources($"Engine/{folder}").SelectMany(f => Arrows(RepositoryFiles.Read(f))).Where(u => u != folder).Distinct().Order();
        Assert.Equal(Listed().Single(f => f.Folder == folder).Uses.Order(), used);
    }

    [Fact]
    public void A_namespace_of_a_file_is_its_folder_and_no_arrow_hides_in_a_qualified_name()
    {
        List<string> strays = [];
        foreach (string file in RepositoryFiles.Sources("Engine"))
        {
            string source = WithoutText(RepositoryFiles.Read(file));
            if (!source.Contains($"namespace Mergeflow.Engine.{FolderOf(file)};", StringComparison.Ordinal)) strays.Add(file);
            string body = source[source.IndexOf("namespace Mergeflow", StringComparison.Ordinal)..];
            if (Qualified().Matches(body).Any(m => m.Groups[1].Value != FolderOf(file) && !Arrows(source).Contains(m.Groups[1].Value))) strays.Add($"{file}: a qualified name");
        }

        Assert.Empty(strays);
    }

    [Fact]
    public void Using_lines_are_read()
    {
        Assert.Equal(["Keys", "Xlate", "Lookup"], Arrows("using System;\nusing Mergeflow.Engine.Keys;\nusing static Mergeflow.Engine.Xlate.Layout;\nusing Map = Mergeflow.Engine.Lookup.Map;\nusing Mergeflow.Native;\n"));
        Assert.True(Listed().Count > 10);
    }

    [Fact]
    public void Rules_are_translated_for_the_NIC_in_one_place()
    {
        // The composition makes the device; everything else that knows it stands in Offload/Nic.
        IEnumerable<string> users = RepositoryFiles.Sources("Engine").Where(f => RepositoryFiles.Read(f).Contains("using Mergeflow.Nic;", StringComparison.Ordinal))
            .Select(f => string.Join('/', f.Split('/')[1..^1])).Distinct();
        Assert.Equal(["Offload/Nic", "Runtime"], users.Order());
        IEnumerable<string> translators = RepositoryFiles.Sources("Engine/Runtime").Where(f => NicRule().IsMatch(WithoutText(RepositoryFiles.Read(f))));
        Assert.Empty(translators);
    }

    [Theory]
    [InlineData("Engine")]
    [InlineData("Nic")]
    [InlineData("Native")]
    [InlineData("Control")]
    [InlineData("Cli")]
    [InlineData("Switch")]
    [InlineData("Perf")]
    [InlineData("PropertyTests")]
    [InlineData("Tests")]
    public void No_folder_is_too_full(string project)
    {
        IEnumerable<string> full = RepositoryFiles.Sources(project).GroupBy(static f => f[..f.LastIndexOf('/')]).Where(static g => g.Count() > MaxFilesPerFolder).Select(static g => $"{g.Key}: {g.Count()}");
        Assert.Empty(full);
    }

    [Theory]
    [InlineData("Engine")]
    [InlineData("Nic")]
    public void Unsafe_is_a_place(string project)
    {
        IEnumerable<string> used = RepositoryFiles.Sources(project).Where(f => UnsafeWord().IsMatch(WithoutText(RepositoryFiles.Read(f)))).Select(f => $"{project}/{FolderOf(f)}").Distinct();
        Assert.Equal(s_unsafeFolders.Where(f => f.StartsWith(project + "/", StringComparison.Ordinal)).Order(), used.Order());
    }

    private static string FolderOf(string file) => file.Split('/')[1];

    /// <summary>The rows of the table in ARCHITECTURE.md: | `Folder` | `Uses`, `Uses` | ... |</summary>
    private static List<(string Folder, string[] Uses)> Listed()
        => [.. Row().Matches(RepositoryFiles.Read("docs/ARCHITECTURE.md")).Select(static m => (m.Groups[1].Value, Word().Matches(m.Groups[2].Value).Select(static w => w.Value).ToArray()))];

    private static IEnumerable<string> Arrows(string source) => UsingLine().Matches(source).Select(static m => m.Groups[1].Value).Distinct();

    private static string WithoutText(string source) => Text().Replace(Comment().Replace(source, ""), "\"\"");

    [GeneratedRegex(@"^\| `([A-Z]\w+)` \| (-|(?:`\w+`(?:, )?)+) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"[A-Z]\w+")]
    private static partial Regex Word();

    [GeneratedRegex(@"^using (?:static |\w+ = )?Mergeflow\.Engine\.(\w+)[.;]", RegexOptions.Multiline)]
    private static partial Regex UsingLine();

    [GeneratedRegex(@"(?<![\w.])(?:Mergeflow\.)?Engine\.([A-Z]\w+)\.")]
    private static partial Regex Qualified();

    [GeneratedRegex(@"\b(FlowRule|FlowItem|FlowAction)\b")]
    private static partial Regex NicRule();

    [GeneratedRegex(@"//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex("\"(\\\\.|[^\"\\\\\n])*\"")]
    private static partial Regex Text();

    [GeneratedRegex(@"\bunsafe\b")]
    private static partial Regex UnsafeWord();
}
