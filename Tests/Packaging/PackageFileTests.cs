using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Mergeflow.Cli;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What a package needs beside its code: one version everywhere, a licence that its dependencies allow, and their notices.</summary>
public sealed partial class PackageFileTests
{
    private static readonly string[] s_shipped = ["Native", "Nic", "Engine", "Switch", "Control", "Cli"];

    public static TheoryData<string> LockFiles => [.. RepositoryFiles.Files(".", "packages.lock.json")];

    [Fact]
    public void Both_programs_say_the_version_of_the_tree_and_the_commit()
    {
        string version = XDocument.Load(Path.Combine(RepositoryFiles.Root, "Directory.Build.props")).Descendants("VersionPrefix").Single().Value;
        using StringWriter perf = new();
        Assert.Equal(0, PerfApp.Run(["--version"], perf, TextWriter.Null, TestContext.Current.CancellationToken));
        string commit = HostProbe.Commit() is null ? "" : $" \\(commit {ProgramVersion.Commit}\\)";
        Assert.Matches($"^mergeflow {Regex.Escape(version)}{commit}\n$", CliRun.Of("--version").Output);
        Assert.Matches($"^run-perf {Regex.Escape(version)}{commit}\n$", perf.ToString());
        if (ProgramVersion.Commit is string hash) Assert.Matches("^[0-9a-f]{12}$", hash);
    }

    [Fact]
    public void The_changelog_begins_with_the_version_of_the_tree()
    {
        MatchCollection versions = ReleaseHeading().Matches(RepositoryFiles.Read("CHANGELOG.md"));
        Assert.Equal(ProgramVersion.Number, versions[0].Groups[1].Value);
        Assert.Equal(versions.Select(static v => Version.Parse(v.Groups[1].Value)).OrderDescending(), versions.Select(static v => Version.Parse(v.Groups[1].Value)));
        Assert.All(versions, static v => Assert.True(DateOnly.TryParseExact(v.Groups[2].Value, "yyyy-MM-dd", out _), v.Value));
        string[] kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
        Assert.All(KindHeading().Matches(RepositoryFiles.Read("CHANGELOG.md")).Select(static k => k.Groups[1].Value), k => Assert.Contains(k, kinds));
    }

    [Theory]
    [MemberData(nameof(LockFiles))]
    public void Every_package_has_its_notice(string lockFile)
    {
        string notices = RepositoryFiles.Read("THIRD-PARTY-NOTICES.md");
        string shipped = notices[..notices.IndexOf("## In the throughput harness", StringComparison.Ordinal)];
        bool isShipped = s_shipped.Contains(lockFile.Split('/')[0]);
        foreach (string package in PackagesOf(lockFile))
        {
            System.Text.RegularExpressions.Match row = Regex.Match(isShipped ? shipped : notices, $@"^\| {Regex.Escape(package)} \| (\S+) \| .+ \|$", RegexOptions.Multiline);
            Assert.True(row.Success, $"{package} ({lockFile}) is not in {(isShipped ? "the first table of " : "")}THIRD-PARTY-NOTICES.md");
            if (isShipped) Assert.Equal("MIT", row.Groups[1].Value);
            if (LicenceOf(package) is string licence) Assert.Equal(licence, row.Groups[1].Value);
        }
    }

    [Fact]
    public void No_notice_is_left_of_a_package_that_went()
    {
        IEnumerable<string> named = NoticeRow().Matches(RepositoryFiles.Read("THIRD-PARTY-NOTICES.md")).Select(static m => m.Groups[1].Value).Where(static n => n != "package");
        Assert.Equal(LockFiles.SelectMany(static f => PackagesOf(f.Data)).Distinct().Order(StringComparer.OrdinalIgnoreCase), named.Order(StringComparer.OrdinalIgnoreCase));
    }

    private static IEnumerable<string> PackagesOf(string lockFile)
    {
        using JsonDocument file = JsonDocument.Parse(RepositoryFiles.Read(lockFile));
        return [.. file.RootElement.GetProperty("dependencies").EnumerateObject().SelectMany(static f => f.Value.EnumerateObject())
            .Where(static p => p.Value.GetProperty("type").GetString() != "Project").Select(static p => p.Name)];
    }

    /// <summary>What the package itself says, where it is at hand and says it by name.</summary>
    private static string? LicenceOf(string package)
    {
        string home = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string folder = Path.Combine(home, package.ToLowerInvariant());
        string? nuspec = Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*.nuspec", SearchOption.AllDirectories).FirstOrDefault() : null;
        return nuspec is null ? null : XDocument.Load(nuspec).Descendants().FirstOrDefault(static e => e.Name.LocalName == "license" && e.Attribute("type")?.Value == "expression")?.Value;
    }

    [GeneratedRegex(@"^## \[(\d+\.\d+\.\d+)\] - (\S+)$", RegexOptions.Multiline)]
    private static partial Regex ReleaseHeading();

    [GeneratedRegex(@"^### (\w+)$", RegexOptions.Multiline)]
    private static partial Regex KindHeading();

    [GeneratedRegex(@"^\| ([\w.-]+) \| ", RegexOptions.Multiline)]
    private static partial Regex NoticeRow();
}
