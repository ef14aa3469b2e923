using Mergeflow.Cli;
using Xunit;
using static Mergeflow.Tests.TunnelFrames;

namespace Mergeflow.Tests;

/// <summary>Tunnel ports on the command line: they are part of a switch's config.</summary>
public sealed class TunnelReplayTests
{
    private const string Ports = "\"ports\":{\"p1\":1,\"p2\":2,\"vx0\":9}";

    [Theory]
    [InlineData("none")]
    [InlineData("soft")]
    [InlineData("nic")]
    public void A_case_with_a_tunnel_is_replayed(string offload)
    {
        using TemporaryFolder folder = new();
        folder.Write("case.json", "{" + Ports + ",\"config\":{\"tunnels\":{\"vx0\":\"type=vxlan,remote_ip=192.0.2.2,key=100," + TunnelBed.Underlay + "\"}}}");
        folder.Write("flows.txt", "in_port=p2 actions=output:vx0\nin_port=vx0,tun_id=100 actions=output:p2\n");
        folder.Write("events.jsonl", string.Join('\n', Enumerable.Range(0, 6).Select(i => $$"""{"i":{{i}},"t":{{i}},"op":"pkt","port":{{2 - (i % 2)}},"hex":"{{(i % 2 == 0 ? Inner : VxlanIn)}}"}""")));
        CliRun run = CliRun.Of("replay", "--case", Path.GetDirectoryName(folder["x"])!, "--offload", offload, "--out", folder["out.jsonl"]);
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        string[] lines = File.ReadAllLines(folder["out.jsonl"]);
        for (int i = 0; i < 6; i++) Assert.Equal($$"""{"i":{{i}},"out":[[{{1 + (i % 2)}},"{{(i % 2 == 0 ? Vxlan : Inner)}}"]]}""", lines[i]);
        Assert.Contains(offload == "soft" ? "\"n_offloaded\":2," : "\"n_offloaded\":0,", lines[6], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"vx1\":\"type=gre\"}", "there is no port \"vx1\"")]
    [InlineData("{\"vx0\":7}", "\"vx0\": expected a string of options")]
    [InlineData("[]", "\"tunnels\": expected an object")]
    [InlineData("{\"vx0\":\"type=vxlan,remote_ip=192.0.2.2,out=vx0,addr=192.0.2.1,mac=02:00:00:00:00:01,gw_mac=02:00:00:00:00:02\"}", "out=9 is no port that frames can leave on")]
    [InlineData("{\"vx0\":\"type=vxlan,remote_ip=192.0.2.2,out=p7\"}", "tunnel option addr is missing")]
    public void A_bad_tunnel_is_named(string tunnels, string message)
    {
        using TemporaryFolder folder = new();
        folder.Write("case.json", "{" + Ports + ",\"config\":{\"tunnels\":" + tunnels + "}}");
        folder.Write("flows.txt", "actions=drop\n");
        folder.Write("events.jsonl", "");
        CliRun run = CliRun.Of("replay", "--case", Path.GetDirectoryName(folder["x"])!, "--out", folder["out.jsonl"]);
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains(message.Replace("\"", "\\\"", StringComparison.Ordinal), run.Output + run.Error, StringComparison.Ordinal);
    }
}
