using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Ports that go and come while events are replayed.</summary>
public sealed class ReplayPortTests
{
    [Theory]
    [InlineData("none")]
    [InlineData("soft")]
    [InlineData("nic")]
    public void A_port_that_goes_takes_what_was_learned_of_it_and_one_that_is_down_does_not(string offload)
    {
        using TemporaryFolder files = new();
        string there = Frame(2, 1), back = Frame(1, 2);
        string[] events =
        [
            Packet(0, 1, there), Packet(1, 2, back),
            """{"i":2,"t":2,"op":"port_down","port":1}""", Packet(3, 2, back),
            """{"i":4,"t":4,"op":"port_up","port":1}""", Packet(5, 2, back),
            """{"i":6,"t":6,"op":"port_del","port":1}""", Packet(7, 2, back),
            """{"i":8,"t":8,"op":"port_add","port":1}""", Packet(9, 2, back), Packet(10, 1, there), Packet(11, 2, back),
            """{"i":12,"t":12,"op":"port_add","port":1}""", Packet(13, 2, back),
        ];
        CliRun run = CliRun.Of(
            "replay", "--flows", files.Write("f.txt", "actions=normal"), "--ports", "p1=1,p2=2,p3=3", "--in", files.Write("events.jsonl", string.Join('\n', events)), "--out", files["out.jsonl"], "--offload", offload);
        Assert.True(run.ExitCode == 0, run.Error);
        string[] ports = [.. File.ReadAllLines(files["out.jsonl"])[..^1].Select(static l => string.Concat("123".Where(p => l.Contains($"[{p},", StringComparison.Ordinal))))];
        Assert.Equal(["23", "1", "", "", "", "1", "", "3", "", "13", "2", "1", "", "1"], ports);
    }

    [Fact]
    public void A_port_that_goes_has_to_be_one_of_the_switch()
    {
        using TemporaryFolder files = new();
        CliRun run = CliRun.Of(
            "replay", "--flows", files.Write("f.txt", "actions=normal"), "--ports", "p1=1", "--in", files.Write("events.jsonl", """{"i":0,"t":0,"op":"port_del","port":9}"""), "--out", files["out.jsonl"]);
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains("port 9 does not exist", run.Error, StringComparison.Ordinal);
    }

    private static string Packet(int i, int port, string frame) => $$"""{"i":{{i}},"t":{{i}},"op":"pkt","port":{{port}},"hex":"{{frame}}"}""";

    private static string Frame(int to, int from) => $"02000000000{to}02000000000{from}1234{new string('0', 100)}";
}
