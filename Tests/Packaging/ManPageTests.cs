using Xunit;

namespace Mergeflow.Tests;

/// <summary>The manual as those read it that know the format.</summary>
public sealed class ManPageTests
{
    [Theory]
    [InlineData("mergeflow", "mergeflow-offload-why.1")]
    [InlineData("./run-perf.sh", "run-perf.sh-sweep.1")]
    public void Every_page_is_without_fault(string program, string one)
    {
        using TemporaryFolder folder = TypedCommand.Folder();
        (int code, _, string error) = TypedCommand.Run(folder, $"{program} man --out man");
        Assert.Equal((0, ""), (code, error));
        string[] pages = [.. Directory.EnumerateFiles(folder["man"]).Order()];
        Assert.Contains(folder["man/" + one], pages);
        Assert.True(pages.Length > 12);
        (string Program, string[] Arguments)[] readers = [("mandoc", ["-T", "lint", "-W", "warning"]), ("groff", ["-man", "-ww", "-Tutf8"]), ("man", ["--warnings", "-l"])];
        Assert.SkipUnless(readers.Any(static r => TypedCommand.Has(r.Program)), "neither mandoc nor groff nor man is installed");
        foreach ((string reader, string[] arguments) in readers.Where(static r => TypedCommand.Has(r.Program)))
        {
            foreach (string page in pages)
            {
                (code, string output, error) = TypedCommand.Process(folder, reader, [.. arguments, page], "MANPAGER=cat", "MANWIDTH=100");
                Assert.Equal((page, 0, ""), (page, code, error + (reader == "mandoc" ? output : "")));
            }
        }
    }

    [Fact]
    public void A_page_says_what_the_help_says()
    {
        using TemporaryFolder folder = TypedCommand.Folder();
        Assert.Equal(0, CliRun.Of("man", "--out", folder["man"]).ExitCode);
        string page = File.ReadAllText(folder["man/mergeflow-offload-why.1"]).Replace("\\-", "-", StringComparison.Ordinal);
        foreach (string part in new[] { "--admission", "always|after-N", ".SH EXAMPLES", "mergeflow offload why CtNotEstablished --top 3", "mergeflow-offload-explain (1)", "Nothing in the input is what was asked about." })
            Assert.Contains(part, page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_cannot_be_is_one_line()
    {
        using TemporaryFolder folder = new();
        folder.Write("file", "");
        CliRun run = CliRun.Of("man", "--out", folder["file/man"]);
        Assert.Equal(1, run.ExitCode);
        Assert.DoesNotContain("internal error", run.ErrorLine, StringComparison.Ordinal);
        Assert.Equal(64, CliRun.Of("man", "--out", "").ExitCode);
    }
}
