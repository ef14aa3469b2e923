using Xunit;

namespace Mergeflow.Tests;

/// <summary>What scripts of the first folder say to whoever asks, and to words that they do not know: at once, and without doing anything.</summary>
public sealed class ScriptUsageTests
{
    [Theory]
    [InlineData("run-live.sh", "--help", 0, "--soak MINUTES")]
    [InlineData("run-live.sh", "-h", 0, "--cost [BURSTS]")]
    [InlineData("run-live.sh", "--nonsense", 1, "run-live.sh: --nonsense: expected --soak MINUTES")]
    [InlineData("run-upstream.sh", "-h", 0, "-j N")]
    [InlineData("run-upstream.sh", "--help", 0, "-j N")]
    public void A_script_says_how_it_is_used(string script, string argument, int code, string expected)
    {
        Assert.SkipUnless(TypedCommand.Has("bash"), "bash is not installed");
        using TemporaryFolder folder = TypedCommand.Folder();
        (int found, string output, string error) = TypedCommand.Process(folder, "bash", [Path.Combine(RepositoryFiles.Root, script), argument]);
        Assert.Equal((code, ""), (found, error));
        Assert.Contains(expected, output, StringComparison.Ordinal);
        if (code != 0) Assert.Single(output.TrimEnd('\n').Split('\n'));
    }
}
