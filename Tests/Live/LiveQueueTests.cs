using System.Text.RegularExpressions;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Queues of devices that the database asks for, as OpenFlow tells them: what the kernel has counted.</summary>
public sealed class LiveQueueTests
{
    [Fact]
    public void Queues_of_a_device_tell_what_the_kernel_has_sent_by_them()
    {
        using LiveLab lab = new();
        using VswitchdRun run = new();
        string a = lab.AddHost("a", ["10.89.0.1/24"]), b = lab.AddHost("b", ["10.89.0.2/24"]), bridge = lab.DeviceName("x");
        run.Start();
        run.Vsctl("add-br", bridge, "--", "add-port", bridge, a, "--", "set", "interface", a, "ofport_request=1", "--", "add-port", bridge, b, "--", "set", "interface", b, "ofport_request=2");
        Assert.Equal("OFPST_QUEUE reply (OF1.4) (xid=0x2): 0 queues\n", run.Ofctl("queue-stats", bridge));
        run.Vsctl("--", "set", "port", b, "qos=@q", "--", "--id=@q", "create", "qos", "type=linux-htb", "other-config:max-rate=100000000", "queues:0=@z", "queues:7=@s", "--", "--id=@z", "create", "queue", "other-config:max-rate=50000000",
            "--", "--id=@s", "create", "queue", "other-config:max-rate=10000000");
        if (run.Log.Contains("cannot be set up", StringComparison.Ordinal)) Assert.Skip("the kernel has no htb");
        Assert.Equal(2, Regex.Matches(run.Ofctl("queue-stats", bridge), "port 2 queue [07]: bytes=[0-9]+, pkts=[0-9]+, errors=0, duration=[0-9.]+s").Count);
        (ulong before, _) = Counted(0);
        lab.Must("a", "ping", "-c", "20", "-i", "0.05", "-s", "1000", "-W", "5", "10.89.0.2");
        (ulong after, ulong bytes) = Counted(0);
        Assert.InRange(after - before, 20ul, 40ul);
        Assert.InRange(bytes, 20ul * 1042, 40ul * 1042);
        Assert.Equal((0ul, 0ul), Counted(7));

        // Packets of set_queue leave by their queue, if the kernel can be told so (Linux 6.14).
        if (Environment.OSVersion.Version >= new Version(6, 14))
        {
            run.Ofctl("add-flow", bridge, "in_port=1,icmp,actions=set_queue:7,2");
            lab.Must("a", "ping", "-c", "20", "-i", "0.05", "-s", "1000", "-W", "5", "10.89.0.2");
            (ulong queued, ulong queuedBytes) = Counted(7);
            Assert.Equal((20ul, 20ul * 1042), (queued, queuedBytes));
        }

        // One queue of one port; none where there is none.
        Assert.Contains("1 queues\n  port 2 queue 7: ", run.Ofctl("queue-stats", bridge, "2", "7"), StringComparison.Ordinal);
        run.Vsctl("clear", "port", b, "qos");
        Assert.Contains("0 queues", run.Ofctl("queue-stats", bridge), StringComparison.Ordinal);

        (ulong Packets, ulong Bytes) Counted(int queue)
        {
            System.Text.RegularExpressions.Match found = Regex.Match(run.Ofctl("queue-stats", bridge, "2"), $"queue {queue}: bytes=([0-9]+), pkts=([0-9]+)");
            return (ulong.Parse(found.Groups[2].Value, null), ulong.Parse(found.Groups[1].Value, null));
        }
    }
}
