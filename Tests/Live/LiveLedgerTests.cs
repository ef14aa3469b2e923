using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The ledger of a running switch: by port and thread, with a cause for each packet that was dropped.</summary>
public sealed class LiveLedgerTests
{
    private const string Rules =
        """
        table=0,priority=9,in_port=1,udp,tp_dst=1001 actions=drop
        table=0,priority=9,in_port=1,udp,tp_dst=1002 actions=ct(table=0)
        table=0,priority=9,in_port=1,udp,tp_dst=1003 actions=ct(table=1),output:2
        table=0,priority=9,in_port=1,udp,tp_dst=1004 actions=output:2
        table=0,priority=8,in_port=1,ip,nw_frag=yes actions=ct(table=1)
        table=0,priority=0 actions=drop
        table=1,priority=0 actions=output:2
        """;

    [Theory]
    [InlineData(OffloadMode.None, 1)]
    [InlineData(OffloadMode.None, 2)]
    [InlineData(OffloadMode.Soft, 1)]
    public void Each_packet_has_a_place_by_port_and_by_thread(OffloadMode offload, int pmds)
    {
        const int each = 300;
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.87.0.1/24"]), b = lab.AddHost("b", ["10.87.0.2/24"]);
        foreach (string host in new[] { "a", "b" }) lab.Must(host, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1");
        using LiveSwitch s = new(Rules, offload, pmds);
        s.Add(new TcPort(1, a, pmds));
        s.Add(new TcPort(2, b));
        using LiveWire wire = new(lab, "a");
        for (int i = 0; i < each; i++)
        {
            foreach (ushort port in new ushort[] { 1001, 1002, 1003, 1004, 1005 }) wire.Send(NicFrame.UdpIpv4((ushort)(2000 + (i % 50)), port, "10.87.0.1", "10.87.0.2"));

            // A machine that has other work: no more at once than there is room for.
            if (i % 20 == 0) LiveLab.WaitFor(() => s[1].RxPackets == (ulong)(5 * (i + 1)), "the packets so far");
        }

        // The first fragment of a datagram whose rest never comes.
        wire.Send(NicFrame.New().Ipv4("10.87.0.1", "10.87.0.2", NicFrame.Udp, NicFrame.UdpDatagram(7, 8, 2000)[..1400], fragment: 0x2000));
        LiveLab.WaitFor(() => s[1].RxPackets == (5 * each) + 1, "all packets");
        LiveLab.WaitFor(() => Get(s).Ports.All(static p => p.Uncounted == 0), "all frames of the devices to be counted");
        SwitchLedger ledger = Get(s);
        Assert.True(ledger.IsWhole, string.Join('\n', ledger.Ports) + string.Join('\n', ledger.Threads));
        Assert.Equal(pmds, ledger.Threads.Count);
        PortLedger first = ledger.Ports[0], second = ledger.Ports[1];
        Assert.Equal(((5ul * each) + 1, 3ul * each, 0ul), (first.Received, first.Dropped, first.Sent));
        Assert.Equal((3ul * each, 3ul * each, 0ul), (second.Sent, second.Left, second.Received));
        Dictionary<string, ulong> causes = ledger.Threads.SelectMany(static t => t.Causes()).GroupBy(static c => c.Cause).ToDictionary(static g => g.Key, static g => g.Aggregate(0ul, static (sum, c) => sum + c.Packets));
        Assert.Equal(new Dictionary<string, ulong> { ["a rule, or none"] = 2 * each, ["too many recirculations"] = each }, causes);
        Assert.Equal((1ul, (ulong)each), (ledger.Held, ledger.Threads.Aggregate(0ul, static (sum, t) => sum + t.Stats.Made)));
    }

    /// <summary>Under traffic the books of threads and ports agree at every moment.</summary>
    [Fact]
    public void The_books_agree_while_packets_pass_and_a_port_of_the_same_number_begins_anew()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.87.1.1/24"]), b = lab.AddHost("b", ["10.87.1.2/24"]);
        using LiveSwitch s = new("actions=normal", pmds: 2);
        s.Add(new TcPort(1, a, 2));
        s.Add(new TcPort(2, b, 2));
        using Socket sender = lab.In("a", static () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        using CancellationTokenSource end = new();
        Thread sending = new(() =>
        {
            while (!end.IsCancellationRequested) sender.SendTo(new byte[200], new IPEndPoint(IPAddress.Parse("10.87.1.2"), 9));
        });
        sending.Start();
        for (int i = 0; i < 20; i++)
        {
            SwitchLedger ledger = Get(s);
            Assert.True(ledger.UnexplainedIn == 0 && ledger.UnexplainedOut == 0 && ledger.Threads.All(static t => t.Unexplained == 0), ledger.ToString());
            Assert.All(ledger.Ports, static p => Assert.Equal((0L, 0L), (p.UnexplainedIn, p.UnexplainedOut)));
            if (i != 10) continue;
            s.Ports.Remove(2, LiveSwitch.Now);
            s.Add(new TcPort(2, b, 2));
        }

        end.Cancel();
        sending.Join();
        LiveLab.WaitFor(() => Get(s).Ports.All(static p => p.Uncounted == 0), "all frames of the devices to be counted");
        Assert.True(Get(s).IsWhole);
        s.Stop();
    }

    private static SwitchLedger Get(LiveSwitch s) => s.Ports.Ledger(static () => 0);
}
