using System.Diagnostics;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Signals leave nothing half written, and long replays say how far they are.</summary>
public sealed class InterruptionTests
{
    private static readonly string s_program = Path.ChangeExtension(typeof(App).Assembly.Location, ".dll");

    /// <summary>
    /// The process waits for input that does not come: the worst place to be asked to stop. It starts with the signals as a terminal gives them; what runs these
    /// tests in the background may have told its children to ignore some.
    /// </summary>
    [Theory]
    [InlineData("HUP", 129)]
    [InlineData("INT", 130)]
    [InlineData("QUIT", 131)]
    [InlineData("TERM", 143)]
    public async Task A_signal_ends_the_command_and_nothing_half_written_stays(string signal, int expected)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        using TemporaryFolder folder = new();
        string flows = folder.Write("flows.txt", "actions=drop\n");
        using (Process make = Process.Start("mkfifo", folder["events"])) make.WaitForExit();
        using Process replay = Process.Start(new ProcessStartInfo("env", ["--default-signal=HUP,INT,QUIT,TERM", "dotnet", s_program, "replay", "--flows", flows, "--ports", "p1=1", "--in", folder["events"], "--out", folder["out.jsonl"]]) { RedirectStandardError = true })!;
        using (FileStream events = new(folder["events"], FileMode.Open, FileAccess.Write))
        {
            for (int i = 0; i < 600 && !folder.Names.Any(static n => n.EndsWith(".partial", StringComparison.Ordinal)); i++) await Task.Delay(50, TestContext.Current.CancellationToken);
            Assert.Contains(folder.Names, static n => n.EndsWith(".partial", StringComparison.Ordinal));
            using (Process kill = Process.Start("kill", ["-s", signal, $"{replay.Id}"])) await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
            using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
            await replay.WaitForExitAsync(patience.Token);
        }

        Assert.Equal(expected, replay.ExitCode);
        Assert.Equal(["events", "flows.txt"], folder.Names.Order());
    }

    [Fact]
    public void A_long_replay_says_how_far_it_is_and_takes_the_line_away()
    {
        using StringWriter terminal = new();
        TimeSpan now = ReplayProgress.Quiet - TimeSpan.FromMilliseconds(1);
        ReplayProgress progress = new(terminal, () => now);
        for (int i = 0; i < 1000; i++) progress.Add(0.1);
        Assert.Empty(terminal.ToString());
        now = TimeSpan.FromSeconds(8);
        for (int i = 1000; i < 53_248; i++) progress.Add(i / 106_496.0);
        Assert.Equal("\r\u001b[2K1,024 events, 1 %, 128/s, 8 s", terminal.ToString());
        progress.End();
        Assert.EndsWith("\r\u001b[2K", terminal.ToString(), StringComparison.Ordinal);
        progress.End();
        Assert.Equal(2, terminal.ToString().Split("\r").Length - 1);
    }

    /// <summary>The length of lines of events is not known beforehand: what is known is how many and how fast.</summary>
    [Fact]
    public void A_replay_of_events_says_how_many_and_how_fast()
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write("flows.txt", "actions=drop\n");
        string events = folder.Write("events.jsonl", string.Concat(Enumerable.Range(0, 600).Select(static i => $$"""{"i":{{i}},"t":5,"op":"tick"}""" + "\n")));
        using StringWriter terminal = new();
        ReplayArguments arguments = new() { FlowsPath = flows, InputPath = events, Config = new CaseConfig(), Ports = [("p1", 1)], Progress = new ReplayProgress(terminal, static () => TimeSpan.FromSeconds(4)) };
        ReplaySession.Run(arguments, Stream.Null, TestContext.Current.CancellationToken);
        Assert.StartsWith("\r\u001b[2K256 events, 64/s, 4 s", terminal.ToString(), StringComparison.Ordinal);
    }
}
