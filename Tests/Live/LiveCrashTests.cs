using System.Diagnostics;
using System.Globalization;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A switch that is killed under traffic: what it leaves behind, and what the next one makes of it.</summary>
public sealed class LiveCrashTests
{
    private const string Nat = """
        table=0,priority=10,ip,ct_state=-trk,actions=ct(table=1,nat)
        table=0,priority=1,arp,actions=normal
        table=1,priority=10,tcp,in_port=1,tcp_flags=+syn-ack,ct_state=+trk+new,actions=ct(commit,nat(src=10.78.0.99)),output:2
        table=1,priority=10,ip,in_port=1,ct_state=+trk+est,actions=output:2
        table=1,priority=10,ip,in_port=2,ct_state=+trk+est,actions=output:1
        """;

    [Theory]
    [InlineData("tc", "none")]
    [InlineData("tc", "soft")]
    [InlineData("tc", "kernel")]
    [InlineData("packet", "soft")]
    [InlineData("clsact", "soft")]
    public void Ports_are_the_hosts_again_and_the_next_run_goes_on_with_the_connections(string datapath, string offload)
    {
        if (!File.Exists("/usr/bin/iperf3")) Assert.Skip("iperf3 is not installed");
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.78.0.1/24"]), b = lab.AddHost("b", ["10.78.0.2/24"]);
        using TemporaryFolder folder = new();
        string state = folder["state"];
        string[] arguments =
        [
            typeof(App).Assembly.Location, "switch", "--port", $"{a}=1,datapath={datapath}", "--port", $"{b}=2,datapath={datapath}", "--flows", folder.Write("f.txt", Nat),
            "--offload", offload, "--socket", folder["s"], "--pidfile", folder["pid"], "--state", state, "--state-every", "1",
        ];
        lab.Must("b", "ip", "neigh", "add", "10.78.0.99", "lladdr", LiveLab.MacOf("a"), "dev", "eth0");
        using LiveProcess server = lab.Begin("b", "iperf3", "-s", "-1", "--forceflush");
        LiveLab.WaitFor(() => server.Text.Contains("listening", StringComparison.OrdinalIgnoreCase), "iperf3");
        using LiveProcess first = new("dotnet", arguments);
        LiveLab.WaitFor(() => Runs(first) && File.Exists(folder["pid"]) || first.HasEnded, "the first run");
        if (first.HasEnded && first.Text.Contains("--offload kernel: ", StringComparison.Ordinal)) Assert.Skip(first.Text);

        using LiveProcess client = lab.Begin("a", "iperf3", "-c", "10.78.0.2", "-C", "cubic", "-b", "200M", "-n", "150M");
        LiveLab.WaitFor(() => File.Exists(state) && File.ReadAllText(state).Contains("10.78.0.99", StringComparison.Ordinal), "the connection in the file");
        using (Process process = Process.GetProcessById(int.Parse(File.ReadAllText(folder["pid"]), CultureInfo.InvariantCulture)))
        {
            process.Kill();
            process.WaitForExit();
        }

        // No TAP of it, nobody listens on the devices, and nothing passes from one to the other.
        int indexA = Mergeflow.Native.NetDevice.IndexOf(a);
        Assert.Equal(0, Mergeflow.Native.NetDevice.IndexOf($"mfu{indexA}"));
        LiveLab.WaitFor(() => File.ReadAllText($"/sys/class/net/{a}/flags").Trim() is { } flags && (Convert.ToInt32(flags, 16) & 0x100) == 0, "no promiscuous device");
        Assert.NotEqual(0, lab.On("a", "ping", "-c", "2", "-i", "0.1", "-W", "1", "10.78.0.2").Code);
        Assert.True(File.Exists(folder["s"]) && File.Exists(folder["pid"]));

        using LiveProcess second = new("dotnet", arguments);
        LiveLab.WaitFor(() => Runs(second) || second.HasEnded, "the second run");
        Assert.Matches("[1-9][0-9]* connections? taken over", second.Text);
        (int code, string text) = client.End(120);
        Assert.True(code == 0, text + second.Text);
        Assert.Contains("dst=10.78.0.99", CliRun.Of("dump-conntrack", "--live", folder["s"]).Output, StringComparison.Ordinal);
        CliRun audit = CliRun.Of("offload", "audit", "--live", folder["s"]);
        Assert.True(audit.ExitCode == 0, audit.Output);
        Assert.DoesNotContain("warning", second.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_a_crash_has_left_is_not_believed_about_windows()
    {
        using TemporaryFolder folder = new();
        const string connection = """{"proto":6,"zone":0,"orig":{"src":"10.0.0.1","dst":"10.0.0.2","sport":1,"dport":2,"id":0,"type":0},"reply":{"src":"10.0.0.2","dst":"10.0.0.1","sport":2,"dport":1,"id":0,"type":0},"left_ms":60000,"nat":0,"mark":5,"label":"7","orig_peer":[11,12,13,135,5],"reply_peer":[21,22,23,135,STATE],"l4_state":0,"alg":false,"skew":0,"skews_reply":false,"counts":[1,2,3,4]}""";
        byte established = (byte)Engine.Conntrack.TcpState.Established, closing = (byte)Engine.Conntrack.TcpState.FinWait2;
        string text = connection.Replace(",5]", $",{established}]", StringComparison.Ordinal);
        string Head(string more) => $$"""{"version":1,"saved_at_ms":0{{more}},"connections":1}""";
        Engine.Conntrack.SavedConn of(string head, byte reply) => Assert.Single(ConnectionFile.Read(folder.Write("c", $"{head}\n{text.Replace("STATE", reply.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)}\n"), null));

        Engine.Conntrack.SavedConn whole = of(Head(""), established), cut = of(Head(""","running":true"""), established), closed = of(Head(""","running":true"""), closing);
        Assert.Equal((11u, 12u), (whole.OrigPeer.SeqLo, whole.OrigPeer.SeqHi));
        Assert.Equal((0u, 1u, Engine.Conntrack.TcpState.Closed), (cut.OrigPeer.SeqLo, cut.OrigPeer.SeqHi, cut.OrigPeer.State));
        Assert.Equal((0u, 1u, Engine.Conntrack.TcpState.Closed), (cut.ReplyPeer.SeqLo, cut.ReplyPeer.SeqHi, cut.ReplyPeer.State));
        Assert.Equal((whole.Mark, whole.OrigPeer.WScale, whole.OrigPeer.MaxWin), (cut.Mark, cut.OrigPeer.WScale, cut.OrigPeer.MaxWin));
        Assert.Equal(21u, closed.ReplyPeer.SeqLo);
    }

    private static bool Runs(LiveProcess s) => s.Text.Contains("running: ", StringComparison.Ordinal);
}
