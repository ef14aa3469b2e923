using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>One run of the command line in process.</summary>
internal sealed record CliRun(int ExitCode, string Output, string Error)
{
    public static CliRun Of(params string[] arguments)
    {
        using StringWriter output = new(), error = new();
        int code = App.Run(arguments, output, error, TestContext.Current.CancellationToken);
        return new CliRun(code, output.ToString(), error.ToString());
    }

    /// <summary>Stderr without its line end; fails when it is not exactly one line.</summary>
    public string ErrorLine => Assert.Single(Error.TrimEnd('\n').Split('\n'));
}
