using System.Diagnostics;
using Xunit;

namespace Mergeflow.Tests;

/// <summary><c>run-perf.sh</c> on machines as they are, with an SDK that only tells what it was asked.</summary>
public sealed class RunScriptTests
{
    [Theory]
    [InlineData("-u HOME")]
    [InlineData("HOME=/nonexistent")]
    [InlineData("-u TMPDIR -u DOTNET_ROOT HOME=/nonexistent")]
    public void It_starts_without_a_home(string environment)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        using TemporaryFolder folder = new();
        folder.Write("dotnet", "#!/bin/sh\n[ \"$1\" = --version ] && echo 10.0.100\n[ \"$1\" = build ] && [ ! -w \"${HOME:-}\" ] && [ ! -w \"${DOTNET_CLI_HOME:-}\" ] && exit 1\n[ \"$1\" = build ] || echo \"$@\"\nexit 0\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(folder["dotnet"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        ProcessStartInfo start = new("env", [.. environment.Split(' '), $"PATH={folder[""]}:/usr/bin:/bin", Path.Combine(RepositoryFiles.Root, "run-perf.sh"), "--list"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd(), error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal((0, ""), (process.ExitCode, error));
        Assert.EndsWith("Mergeflow.Perf.dll --list\n", output, StringComparison.Ordinal);
    }
}
