using System.Diagnostics;
using System.Text.Json;
using Mergeflow.Native;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What a process does that may use one processor only; see <see cref="OneCoreStart"/>.</summary>
public sealed class OneCoreStartTests
{
    private static readonly string Program = Path.ChangeExtension(typeof(PerfApp).Assembly.Location, ".dll");

    [Fact]
    public void A_confined_process_starts_over_with_the_runtimes_delay_of_many_cores()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        using TemporaryFolder folder = new();
        (int exitCode, _, string error) = RunConfined("--scenario", "s1_uni", "--seconds", "0.02", "--runs", "1", "--json", folder["a b.json"], "--html", folder["r.html"]);
        Assert.Equal("", error);
        Assert.Equal(0, exitCode);
        using JsonDocument results = JsonDocument.Parse(File.ReadAllBytes(folder["a b.json"]));
        Assert.Contains($"{OneCoreStart.Variable}=1", results.RootElement.GetProperty("runtime").GetProperty("overrides").EnumerateArray().Select(e => e.GetString()));
    }

    /// <summary>Empty arguments, blanks and letters beyond ASCII come through.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("größer")]
    public void Arguments_come_through(string argument)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        (int exitCode, _, string error) = RunConfined("--scenario", "s1_uni", "--offload", argument);
        Assert.Equal(PerfExitCode.Usage, exitCode);
        Assert.Contains($"'{argument}'", error, StringComparison.Ordinal);
    }

    /// <summary>A child inherits the processors of the thread that starts it.</summary>
    private static (int ExitCode, string Output, string Error) RunConfined(params string[] arguments)
    {
        (int, string, string) result = default;
        var starter = new Thread(() =>
        {
            Assert.True(ThreadPinning.TryPin(ThreadPinning.AllowedCpus()[0]));
            var start = new ProcessStartInfo(Environment.ProcessPath is string host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet", [Program, .. arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using Process process = Process.Start(start)!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            result = (process.ExitCode, output, error.Result);
        });
        starter.Start();
        starter.Join();
        return result;
    }
}
