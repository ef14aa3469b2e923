using System.Diagnostics;
using System.Globalization;
using Mergeflow.Cli;
using Mergeflow.Control;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The command as it is typed, and as <c>ovs-ctl</c> starts it, beside a real database server.</summary>
public sealed class VswitchdProcessTests
{
    private const int Term = 15;

    [Fact]
    public async Task A_switch_in_the_background_answers_when_its_launcher_has_ended_and_ends_when_it_is_told()
    {
        using OvsdbServer server = new();
        using TemporaryFolder folder = new();
        using Process launcher = Start(folder, server, "--detach", "--monitor", "--no-chdir", "-vconsole:info");
        Assert.True(launcher.WaitForExit(60_000), "the launcher does not end");
        Assert.Equal(ExitCode.Ok, launcher.ExitCode);

        // Who waits for the end of standard error gets it, and the line that says the switch runs is not on it any more.
        string said = await launcher.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.DoesNotContain("|vswitchd|", said, StringComparison.Ordinal);
        Assert.Contains("|vswitchd|INFO|ovs-vswitchd", File.ReadAllText(folder["log"]), StringComparison.Ordinal);
        int pid = int.Parse(File.ReadAllText(folder["ovs-vswitchd.pid"]), CultureInfo.InvariantCulture);
        Assert.NotEqual(launcher.Id, pid);
        string socket = folder[$"ovs-vswitchd.{pid}.ctl"];
        using (UnixctlClient client = new(socket))
        {
            Assert.Contains("ovs-vswitchd", client.Transact("version", []).Result, StringComparison.Ordinal);
            Eventually.True(() => server.Vsctl("get", "open", ".", "datapath_types") == "[netdev, system]", "it follows the database");

            // Who has the same pid file does not start.
            using Process second = Start(folder, server);
            Assert.True(second.WaitForExit(60_000), "the second one does not end");
            Assert.Equal(ExitCode.Failed, second.ExitCode);
            Assert.Contains($"already running as pid {pid}", second.StandardError.ReadToEnd(), StringComparison.Ordinal);
            Assert.Null(client.Transact("exit", []).Error);
        }

        Eventually.True(() => !Directory.Exists($"/proc/{pid}"), "it has ended");
        Assert.Equal(["log"], folder.Names);
    }

    [Fact]
    public void A_switch_in_the_foreground_ends_in_good_order_at_a_signal()
    {
        using OvsdbServer server = new();
        using TemporaryFolder folder = new();
        using Process running = Start(folder, server);
        Eventually.True(() => File.Exists(folder[$"ovs-vswitchd.{running.Id}.ctl"]), "it answers");
        using (Process kill = Process.Start("kill", [$"-{Term}", $"{running.Id}"])) kill.WaitForExit();
        Assert.True(running.WaitForExit(60_000), "it does not end");
        Assert.Equal(ExitCode.Ok, running.ExitCode);
        Assert.Equal(["log"], folder.Names);
    }

    [Theory]
    [InlineData("vswitchd", "ssl:127.0.0.1:6640")]
    [InlineData("vswitchd", "db.sock")]
    [InlineData("vswitchd", "-vbogus/level")]
    [InlineData("vswitchd", "-vfoo")]
    [InlineData("vswitchd", "-vfoo:console:dbg")]
    public void What_makes_no_sense_is_refused_in_one_line(params string[] arguments)
    {
        using StringWriter error = new();
        Assert.Equal(ExitCode.Usage, App.Run(arguments, TextWriter.Null, error, TestContext.Current.CancellationToken));
        Assert.Single(error.ToString().TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public void A_control_socket_in_a_folder_that_is_not_there_is_refused_in_one_line_and_makes_none()
    {
        using OvsdbServer server = new();
        using TemporaryFolder folder = new();
        using Process running = Start(folder, server, $"--unixctl={folder["missing/x"]}");
        Assert.True(running.WaitForExit(60_000), "it does not end");
        Assert.NotEqual(ExitCode.Ok, running.ExitCode);
        Assert.EndsWith("could not initialize control socket (No such file or directory)\n", running.StandardError.ReadToEnd(), StringComparison.Ordinal);
        Assert.Equal(["log"], folder.Names);
    }

    private static Process Start(TemporaryFolder folder, OvsdbServer server, params string[] more)
    {
        ProcessStartInfo start = new("dotnet", [typeof(App).Assembly.Location, "vswitchd", server.Remote, "--pidfile", $"--log-file={folder["log"]}", "-vconsole:off", .. more]) { RedirectStandardError = true };
        start.Environment["OVS_RUNDIR"] = Path.GetDirectoryName(folder["x"]);
        return Process.Start(start)!;
    }
}
