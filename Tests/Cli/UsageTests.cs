using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Wrong arguments: exit code 64 and one line.</summary>
public sealed class UsageTests
{
    private static string AclCase => CaseFiles.Load("acl").Directory;

    [Theory]
    [InlineData("")]
    [InlineData("bogus")]
    [InlineData("replay")]
    [InlineData("replay --bogus")]
    [InlineData("replay --case CASE")]
    [InlineData("replay --case CASE --out")]
    [InlineData("replay --case CASE --out OUT --offload gpu")]
    [InlineData("replay --case CASE --out OUT --cache maybe")]
    [InlineData("replay --case CASE --out OUT --batch many")]
    [InlineData("replay --case CASE --out OUT --batch 0")]
    [InlineData("replay --case CASE --out OUT --batch 1 --batch 2")]
    [InlineData("replay --case CASE --out OUT --seed -1")]
    [InlineData("replay --case CASE --out OUT --flows F")]
    [InlineData("replay --case CASE --out OUT --port 77")]
    [InlineData("replay --case CASE --out OUT --offload soft --profile P")]
    [InlineData("replay --flows F --out OUT")]
    [InlineData("replay --flows F --in I --out OUT")]
    [InlineData("replay --flows F --in I --out OUT --ports p1")]
    [InlineData("replay --flows F --in I --out OUT --ports p1=0")]
    [InlineData("replay --flows F --in I --out OUT --ports p1=1,p1=2")]
    [InlineData("replay --flows F --in I --out OUT --ports p1=1,p2=1")]
    [InlineData("extract")]
    [InlineData("extract --in")]
    public void Wrong_arguments_are_refused(string line)
    {
        using TemporaryFolder folder = new();
        string[] arguments = [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(a => a switch
        {
            "CASE" => AclCase,
            "OUT" => folder["out.jsonl"],
            _ => a,
        })];
        CliRun run = CliRun.Of(arguments);
        Assert.Equal(ExitCode.Usage, run.ExitCode);
        Assert.StartsWith("mergeflow: ", run.ErrorLine, StringComparison.Ordinal);
        Assert.Empty(run.Output);
        Assert.Empty(folder.Names);
    }

    [Theory]
    [InlineData("--help", "replay")]
    [InlineData("replay --help", "--offload")]
    [InlineData("extract --help", "--in")]
    public void Help_is_not_an_error(string line, string expected)
    {
        CliRun run = CliRun.Of(line.Split(' '));
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.Contains(expected, run.Output, StringComparison.Ordinal);
        Assert.Empty(run.Error);
    }
}
