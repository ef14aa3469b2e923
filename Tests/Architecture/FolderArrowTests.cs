using System.Text.RegularExpressions;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// Which folder of Engine knows which: one namespace has no using lines that would show it. A new arrow is a decision, so it has to be added here.
/// </summary>
public sealed partial class FolderArrowTests
{
    /// <summary>A folder and those it may use, besides Native.</summary>
    private static readonly Dictionary<string, string[]> s_arrows = new()
    {
        ["Flow"] = [],
        ["Cache"] = ["Flow"],
        ["Packets"] = ["Flow", "Actions"],
        ["Actions"] = ["Flow", "Packets", "Conntrack"],
        ["Conntrack"] = ["Flow", "Packets", "Actions", "Offload"],
        ["Recirc"] = ["Pipeline"],
        ["Pipeline"] = ["Flow", "Actions", "Conntrack", "Recirc", "Text"],
        ["Text"] = ["Flow", "Actions", "Conntrack", "Pipeline", "Offload"],
        ["Classifier"] = ["Flow", "Packets", "Actions", "Pipeline", "Offload", "Datapath"],
        ["Upcall"] = ["Flow", "Packets", "Actions", "Pipeline", "Recirc", "Classifier", "Offload", "Datapath", "Telemetry"],
        ["Offload"] = ["Flow", "Packets", "Actions", "Conntrack", "Classifier", "Datapath", "Telemetry", "Text"],
        ["Aging"] = ["Offload", "Datapath"],
        ["Telemetry"] = ["Flow", "Actions", "Classifier", "Offload", "Datapath"],
        ["Datapath"] = ["Flow", "Packets", "Actions", "Cache", "Classifier", "Conntrack", "Pipeline", "Recirc", "Upcall", "Offload", "Aging", "Telemetry"],
    };

    /// <summary>Where pointers are. Rules, text, profiles and timers get by without.</summary>
    private static readonly string[] s_unsafeFolders =
    [
        "Engine/Actions", "Engine/Cache", "Engine/Classifier", "Engine/Conntrack", "Engine/Datapath", "Engine/Flow", "Engine/Offload", "Engine/Packets",
        "Engine/Pipeline", "Engine/Telemetry", "Engine/Upcall", "Nic/Device", "Nic/Parsing", "Nic/Tables",
    ];

    /// <summary>Names of types that are names of fields, members or methods elsewhere too.</summary>
    private static readonly string[] s_ambiguous = ["DpHash", "Conntrack", "Match"];

    public static TheoryData<string> Folders => [.. s_arrows.Keys];

    [Fact]
    public void EveryFolderIsInTheList()
        => Assert.Equal(RepositoryFiles.Sources("Engine").Select(FolderOf).Distinct().Order(), s_arrows.Keys.Order());

    [Theory]
    [MemberData(nameof(Folders))]
    public void AFolderUsesOnlyWhatItMay(string folder)
    {
        Dictionary<string, string> owner = Owners();
        List<string> strays = [];
        foreach (string file in RepositoryFiles.Sources($"Engine/{folder}"))
        {
            foreach (string name in Names(RepositoryFiles.Read(file)))
            {
                if (owner.TryGetValue(name, out string? other) && other != folder && !s_arrows[folder].Contains(other)) strays.Add($"{file} uses {name} of {other}");
            }
        }

        Assert.Empty(strays);
    }

    /// <summary>A use that was there when the list was made is found: the reading of the sources works.</summary>
    [Fact]
    public void TheSearchFindsAUse()
    {
        Dictionary<string, string> owner = Owners();
        Assert.Equal(("Flow", "Datapath", "Offload"), (owner["FlowKey"], owner["PmdThread"], owner["TraceMerger"]));
        Assert.Contains("PmdThread", Names("internal sealed class X { private PmdThread? _pmd; }"));
        Assert.DoesNotContain("PmdThread", Names("// PmdThread\nclass X { string s = \"PmdThread\"; int y = a.PmdThread; }"));
    }

    [Fact]
    public void OnlyTheOffloadKnowsTheNic()
    {
        // The datapath makes the device and puts it before the packet thread; rules are translated in Offload alone.
        IEnumerable<string> users = RepositoryFiles.Sources("Engine").Where(f => RepositoryFiles.Read(f).Contains("using Mergeflow.Nic;")).Select(FolderOf).Distinct();
        Assert.Equal(["Datapath", "Offload"], users.Order());
        IEnumerable<string> translators = RepositoryFiles.Sources("Engine/Datapath").Where(f => Names(RepositoryFiles.Read(f)).Any(n => n is "FlowRule" or "FlowItem" or "FlowAction"));
        Assert.Empty(translators);
    }

    [Theory]
    [InlineData("Engine")]
    [InlineData("Nic")]
    public void UnsafeIsAPlace(string project)
    {
        IEnumerable<string> used = RepositoryFiles.Sources(project).Where(f => UnsafeWord().IsMatch(WithoutText(RepositoryFiles.Read(f)))).Select(f => $"{project}/{FolderOf(f)}").Distinct();
        Assert.Equal(s_unsafeFolders.Where(f => f.StartsWith(project + "/", StringComparison.Ordinal)).Order(), used.Order());
    }

    private static string FolderOf(string file) => file.Split('/')[1];

    private static Dictionary<string, string> Owners()
    {
        var owner = new Dictionary<string, string>();
        foreach (string file in RepositoryFiles.Sources("Engine"))
        {
            foreach (Match m in Declaration().Matches(RepositoryFiles.Read(file)))
            {
                if (!s_ambiguous.Contains(m.Groups[1].Value)) owner.TryAdd(m.Groups[1].Value, FolderOf(file));
            }
        }

        return owner;
    }

    /// <summary>Names that stand on their own: not members of something, not in comments or strings.</summary>
    private static IEnumerable<string> Names(string source) => Word().Matches(WithoutText(source)).Select(m => m.Value).Distinct();

    private static string WithoutText(string source) => Text().Replace(Comment().Replace(source, ""), "\"\"");

    [GeneratedRegex(@"^(?:public|internal)[\w ]*?\b(?:class|struct|interface|enum|record struct|record) +(\w+)", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"(?<![\w.])[A-Z]\w+\b")]
    private static partial Regex Word();

    [GeneratedRegex(@"//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex("\"(\\\\.|[^\"\\\\\n])*\"")]
    private static partial Regex Text();

    [GeneratedRegex(@"\bunsafe\b")]
    private static partial Regex UnsafeWord();
}
