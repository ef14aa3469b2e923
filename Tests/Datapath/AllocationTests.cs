using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// The packet path allocates nothing on the managed heap, in any offload mode; and the measurement can tell. Collections are counted for the whole
/// process: nothing else runs meanwhile.
/// </summary>
[Collection("Alone")]
public sealed class AllocationTests
{
    private const int PacketCount = 10_000_000;

    private const int PacketsPerRound = 10_000;

    private const string TranslatingFlows = """
        table=0,priority=10,ip,ct_state=-trk,actions=ct(table=1,zone=1,nat)
        table=0,priority=10,ipv6,ct_state=-trk,actions=ct(table=1,zone=1,nat)
        table=1,priority=20,tcp,ct_state=+trk+new-rel,tp_dst=21,actions=ct(commit,zone=1,alg=ftp,nat(src=198.51.100.101)),output:2
        table=1,priority=20,tcp6,ct_state=+trk+new-rel,tp_dst=21,actions=ct(commit,zone=1,alg=ftp,nat(src=fd00::1234)),output:2
        table=1,priority=10,ip,ct_state=+trk+new,actions=ct(commit,zone=1,nat(src=198.51.100.1)),output:2
        table=1,priority=10,ipv6,ct_state=+trk+new,actions=ct(commit,zone=1,nat(src=fd00::77)),output:2
        table=1,priority=5,ip,ct_state=+trk,actions=output:2
        table=1,priority=5,ipv6,ct_state=+trk,actions=output:2
        """;

    private const string Flows = """
        table=0,priority=10,ip,ct_state=-trk,actions=ct(table=1)
        table=1,priority=10,ip,ct_state=+trk+new,actions=ct(commit),output:2
        table=1,priority=10,ip,ct_state=+trk+est,actions=mod_dl_dst:02:00:00:00:00:09,dec_ttl,output:2
        table=0,priority=5,arp,actions=output:3
        table=0,priority=0,actions=drop
        """;

    [Theory]
    [InlineData(OffloadMode.None, true)]
    [InlineData(OffloadMode.None, false)]
    [InlineData(OffloadMode.Soft, true)]
    [InlineData(OffloadMode.Nic, true)]
    public void The_packet_path_allocates_nothing_over_ten_million_packets(OffloadMode offload, bool cacheOn)
    {
        using var bed = new PacketTestBed(Flows, offload, cacheOn);
        bed.Run(200_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        int collections = GC.CollectionCount(0);
        bed.Run(PacketCount);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(0, allocated);
        Assert.Equal(0, GC.CollectionCount(0) - collections);
        PmdStats stats = bed.Stats;
        ulong deviceHits = bed.DeviceStats.Hits;
        Assert.True(bed.Received >= PacketCount, $"{bed.Received} packets only");
        Assert.True(stats.Tx + deviceHits > PacketCount / 2, "the packets were not forwarded");
        Assert.Equal(offload == OffloadMode.Soft, stats.MergedHits > PacketCount / 2);
        Assert.Equal(offload == OffloadMode.Nic, deviceHits > PacketCount / 2);

        // One frame of a round is an ICMP query: it misses the device.
        Assert.Equal(offload == OffloadMode.Nic, bed.DeviceStats.Misses > PacketCount / 1000);
    }

    /// <summary>What is no established UDP packet of IPv4: each kind of work that conntrack does, behind NAT, beside software, soft offload and a device.</summary>
    [Theory]
    [InlineData("fragments", OffloadMode.None)]
    [InlineData("fragments", OffloadMode.Soft)]
    [InlineData("fragments", OffloadMode.Nic)]
    [InlineData("IPv6", OffloadMode.None)]
    [InlineData("IPv6", OffloadMode.Soft)]
    [InlineData("IPv6", OffloadMode.Nic)]
    [InlineData("errors", OffloadMode.None)]
    [InlineData("errors", OffloadMode.Soft)]
    [InlineData("errors", OffloadMode.Nic)]
    [InlineData("gateway", OffloadMode.None)]
    [InlineData("gateway", OffloadMode.Soft)]
    [InlineData("gateway", OffloadMode.Nic)]
    [InlineData("new connections", OffloadMode.None)]
    [InlineData("new connections", OffloadMode.Soft)]
    [InlineData("new connections", OffloadMode.Nic)]
    [InlineData("hostile fragments", OffloadMode.None)]
    [InlineData("hostile fragments", OffloadMode.Nic)]
    public void No_kind_of_packet_allocates(string kind, OffloadMode offload)
    {
        List<ReadOnlyMemory<byte>> frames = [.. Traffic(kind).Select(f => (ReadOnlyMemory<byte>)f)];
        using var bed = new PacketTestBed(TranslatingFlows, offload, cacheOn: true, frames);
        bed.Run(20_000);
        ulong sent = bed.Stats.Tx + bed.DeviceStats.Hits;
        long allocated = 0;
        const int rounds = 20;
        for (int round = 0; round < rounds; round++)
        {
            // Without connections the next round makes them again.
            if (kind == "new connections") bed.Conntrack.FlushAll();
            long before = GC.GetAllocatedBytesForCurrentThread();
            bed.Run(PacketsPerRound);
            allocated += GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(0, allocated);
        sent = bed.Stats.Tx + bed.DeviceStats.Hits - sent;
        Assert.True(sent > PacketsPerRound * rounds / 4, $"{sent} packets were forwarded");
        if (offload == OffloadMode.Nic) Assert.True(bed.DeviceStats.Misses > PacketsPerRound, "software got nothing");
        ConnTracker ct = bed.Conntrack;
        switch (kind)
        {
            case "fragments":
                Assert.True(ct.DatagramsReassembled > PacketsPerRound, $"{ct.DatagramsReassembled} datagrams were complete");
                break;
            case "gateway":
                Assert.Equal(2, ct.ExpectationCount);
                break;
            case "new connections":
                Assert.Equal(frames.Count, ct.Count);
                break;
            case "hostile fragments":
                Assert.True(ct.FragmentsEvicted > PacketsPerRound && ct.FragmentsRefused > PacketsPerRound, $"{ct.FragmentsEvicted} evicted, {ct.FragmentsRefused} refused");
                break;
            case "errors":
                Assert.Equal(2, ct.Count);
                break;
        }
    }

    private static IEnumerable<byte[]> Traffic(string kind)
    {
        const string outside = "203.0.113.9", outside6 = "2001:db8::9";
        byte[] query = Frames.Udp("10.0.0.1", 1000, outside, 53), query6 = Frames.Udp("fd00::1", 1000, outside6, 53);
        switch (kind)
        {
            case "fragments":
                return [.. FragmentTrain.Datagram(false, 4000, 1248), .. FragmentTrain.Datagram(true, 4000, 1248).AsEnumerable().Reverse()];
            case "IPv6":
                return
                [
                    Frames.Tcp("fd00::1", 1000, outside6, 80, Frames.Syn, 100), Frames.Tcp(outside6, 80, "fd00::77", 1000, Frames.Syn | Frames.Ack, 500, 101),
                    Frames.Tcp("fd00::1", 1000, outside6, 80, Frames.Ack, 101, 501), query6, Frames.Udp(outside6, 53, "fd00::77", 1000), Frames.Echo("fd00::1", outside6, 7),
                ];
            case "errors":
                return
                [
                    query, query6,
                    Frames.Unreachable("192.0.2.200", "198.51.100.1", Frames.Udp("198.51.100.1", 1000, outside, 53), 8),
                    Frames.Unreachable("2001:db8::200", "fd00::77", Frames.Udp("fd00::77", 1000, outside6, 53), 8),
                ];
            case "gateway":
                return [.. Gateway("10.0.0.1", outside, "198.51.100.101", "PORT 10,0,0,1,156,65\r\n"), .. Gateway("fd00::1", outside6, "fd00::1234", "EPRT |2|fd00::1|40001|\r\n")];
            case "new connections":
                return Enumerable.Range(0, 400).Select(i => (i % 4) switch
                {
                    0 => Frames.Udp("10.0.0.1", 2000 + i, outside, 53),
                    1 => Frames.Udp("fd00::1", 2000 + i, outside6, 53),
                    2 => Frames.Echo("10.0.0." + (1 + (i % 90)), outside, 7 + (i / 90)),
                    _ => Frames.Tcp("10.0.0.1", 2000 + i, outside, 80, Frames.Syn, 5),
                });
            default:
                byte[] part = new byte[1248];
                IEnumerable<byte[]> first = Enumerable.Range(0, 600).Select(i => FragmentTrain.Part(i % 2 == 0, 0, part, more: true, (ushort)i));
                return first.SelectMany(f => (byte[][])[f, f, FragmentTrain.Part(false, 65_528, part, more: false)]);
        }
    }

    private static IEnumerable<byte[]> Gateway(string client, string server, string translated, string announcement) =>
    [
        Frames.Tcp(client, 4000, server, 21, Frames.Syn, 100), Frames.Tcp(server, 21, translated, 4000, Frames.Syn | Frames.Ack, 500, 101), Frames.Tcp(client, 4000, server, 21, Frames.Ack, 101, 501),
        Frames.TcpWith(client, 4000, server, 21, Frames.Ack | Frames.Psh, 101, 501, System.Text.Encoding.ASCII.GetBytes(announcement)),
    ];

    [Fact]
    public void The_measurement_catches_one_allocation_among_ten_million_packets()
    {
        using var bed = new PacketTestBed(Flows, OffloadMode.None, cacheOn: true);
        bed.Run(10_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        bed.Run(10_000);
        GC.KeepAlive(new byte[1]);
        Assert.NotEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
