using System.IO.Compression;
using System.Text.RegularExpressions;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// The program of one file beside the other build, where it has been built from this commit
/// (<c>dotnet publish Cli -c Release -p:NativeProgram=true</c>): it answers the same, byte for byte.
/// </summary>
public sealed partial class NativeProgramTests
{
    private const string Seed = "MERGEFLOW_SEED=1";
    private static readonly string s_native = Path.Combine(RepositoryFiles.Root, "artifacts", "publish", "Cli", "release_linux-x64", "mergeflow");

    public static TheoryData<string> Cases => [.. Directory.EnumerateDirectories(Path.Combine(CaseFiles.DataFolder, "cases")).Select(static d => Path.GetFileName(d)).Order()];

    public static TheoryData<string> Examples => [.. ExampleTests.Examples.Select(static e => e.Data).Where(static e => e.StartsWith("mergeflow ", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_case_is_replayed_as_by_the_other_build(string name)
    {
        SkipUnlessBuilt();
        using TemporaryFolder folder = TypedCommand.Folder();
        foreach (string offload in new[] { "none", "soft", "nic" })
        {
            string[] arguments = ["replay", "--case", $"Tests/Data/cases/{name}", "--offload", offload, "--out"];
            (int code, _, string error) = TypedCommand.Process(folder, "dotnet", [typeof(App).Assembly.Location, .. arguments, "managed.jsonl"], Seed);
            Assert.Equal((code, error), Without(TypedCommand.Process(folder, s_native, [.. arguments, "native.jsonl"], Seed)));
            Assert.Equal(0, code);
            Assert.Equal(File.ReadAllBytes(folder["managed.jsonl"]), File.ReadAllBytes(folder["native.jsonl"]));
        }
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_example_prints_what_the_other_build_prints(string example)
    {
        SkipUnlessBuilt();
        using TemporaryFolder managed = TypedCommand.Folder();
        using TemporaryFolder native = TypedCommand.Folder();
        (int code, string output, string error) = TypedCommand.Run(managed, $"{Seed} {example}");
        (int nativeCode, string nativeOutput, string nativeError) = TypedCommand.Process(native, s_native, example.Split(' ')[1..], Seed);
        Assert.Equal((code, output.Replace(managed[""], "", StringComparison.Ordinal), OfAnyProcess(error)), (nativeCode, nativeOutput.Replace(native[""], "", StringComparison.Ordinal), OfAnyProcess(nativeError)));
        foreach (string file in managed.Names) Assert.Equal(Plain(managed[file]), Plain(native[file]));
    }

    private static (int Code, string Error) Without((int Code, string Output, string Error) run) => (run.Code, run.Error);

    /// <summary>A switch that cannot begin says so with the time, and with its process number in the names of files.</summary>
    private static string OfAnyProcess(string error) => ProcessMarks().Replace(error, "");

    [GeneratedRegex(@"(?m)^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z|(?<=\.tmp)[0-9]+|(?<=/ovs-vswitchd\.)[0-9]+(?=\.ctl)")]
    private static partial Regex ProcessMarks();

    private static string Plain(string path)
    {
        using Stream file = File.OpenRead(path);
        using StreamReader text = new(path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file);
        return text.ReadToEnd();
    }

    private static void SkipUnlessBuilt()
    {
        Assert.SkipUnless(File.Exists(s_native), "the program of one file has not been built");
        using TemporaryFolder folder = TypedCommand.Folder();
        string version = TypedCommand.Process(folder, s_native, ["--version"]).Output.TrimEnd();
        Assert.SkipUnless(version == ProgramVersion.LineOf("mergeflow"), $"the program of one file is that of another commit: {version}");
    }
}
