using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The rules of the house that a machine can check.</summary>
public sealed partial class ArchitectureTests
{
    private const int MaxFileLines = 500;

    private static readonly Dictionary<string, string[]> s_arrows = new()
    {
        ["Native"] = [],
        ["Nic"] = ["Native"],
        ["Engine"] = ["Native", "Nic"],
        ["Switch"] = ["Engine"],
        ["Control"] = ["Engine"],
        ["Cli"] = ["Control", "Engine"],
        ["Perf"] = ["Cli", "Engine"],
        ["PropertyTests"] = ["Cli", "Control", "Engine"],
        ["Tests"] = ["Cli", "Control", "Engine", "Perf", "Switch"],
    };

    private static readonly string[] s_unsafeProjects = ["Native", "Nic", "Engine"];

    public static TheoryData<string> Projects => [.. s_arrows.Keys];

    [Fact]
    public void Every_project_is_in_the_list()
    {
        IEnumerable<string> found = RepositoryFiles.Files(".", "*.csproj").Select(p => Path.GetFileNameWithoutExtension(p));
        Assert.Equal(s_arrows.Keys.Order(), found.Order());
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_references_follow_the_arrows(string project)
    {
        IEnumerable<string> references = Descendants(project, "ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')));
        Assert.Empty(references.Except(s_arrows[project]));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Unsafe_occurs_only_where_it_belongs(string project)
    {
        bool isAllowed = s_unsafeProjects.Contains(project);
        bool isSwitchedOn = Descendants(project, "AllowUnsafeBlocks").Any(e => e.Value.Trim() == "true");
        Assert.Equal(isAllowed, isSwitchedOn);
        IEnumerable<string> users = RepositoryFiles.Sources(project).Where(f => UnsafeKeyword().IsMatch(RepositoryFiles.Read(f)));
        if (!isAllowed) Assert.Empty(users);
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void One_namespace_per_project(string project)
    {
        // Engine has one per folder, see FolderArrowTests; Control has one for each protocol.
        string[] expected = project switch
        {
            "Engine" => ["namespace Mergeflow.Engine."],
            "Control" => ["namespace Mergeflow.Control;", "namespace Mergeflow.Control."],
            _ => [$"namespace Mergeflow.{project};"],
        };
        IEnumerable<string> strays = RepositoryFiles.Sources(project)
            .Where(f => NamespaceLine().Matches(RepositoryFiles.Read(f)).Any(m => !expected.Any(e => m.Value.StartsWith(e, StringComparison.Ordinal))));
        Assert.Empty(strays);
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Every_top_level_folder_has_a_readme(string project) =>
        Assert.True(File.Exists(Path.Combine(RepositoryFiles.Root, project, "README.md")), $"{project}/README.md is missing");

    [Fact]
    public void The_NIC_knows_nothing_of_the_engine()
    {
        IEnumerable<string> strays = RepositoryFiles.Sources("Nic").Where(f => EngineNoun().IsMatch(WithoutComments(RepositoryFiles.Read(f))));
        Assert.Empty(strays);
    }

    [Fact]
    public void No_file_is_too_long()
    {
        IEnumerable<string> tooLong = RepositoryFiles.Sources().Where(f => RepositoryFiles.Read(f).Count(c => c == '\n') > MaxFileLines);
        Assert.Empty(tooLong);
    }

    [Fact]
    public void Postponed_work_is_not_checked_in()
    {
        IEnumerable<string> strays = RepositoryFiles.Sources().Where(f => Postponed().IsMatch(RepositoryFiles.Read(f)));
        Assert.Empty(strays);
    }

    [Fact]
    public void Package_versions_are_central()
    {
        IEnumerable<string> strays = s_arrows.Keys.Where(p => Descendants(p, "PackageReference").Any(r => r.Attribute("Version") is not null));
        Assert.Empty(strays);
    }

    private static IEnumerable<XElement> Descendants(string project, string element) =>
        XDocument.Load(Path.Combine(RepositoryFiles.Root, project, $"{project}.csproj")).Descendants(element);

    private static string WithoutComments(string source) => Comment().Replace(source, "");

    [GeneratedRegex(@"^\s*(public |internal |private |protected |static |sealed |readonly |partial |ref )*unsafe\b", RegexOptions.Multiline)]
    private static partial Regex UnsafeKeyword();

    [GeneratedRegex(@"^namespace .*$", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"\b(Megaflow|Conntrack|RecircId|Mergeflow\.Engine)\b")]
    private static partial Regex EngineNoun();

    [GeneratedRegex(@"//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();

    // Put together from halves so that this file does not find itself.
    [GeneratedRegex("NotImplemented" + "Exception|TO" + "DO|FIX" + "ME|HA" + "CK")]
    private static partial Regex Postponed();
}
