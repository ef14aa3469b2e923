using Mergeflow.Engine;
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
        Assert.True(stats.Rx >= PacketCount, $"{stats.Rx} packets only");
        Assert.True(stats.Tx > PacketCount / 2, "the packets were not forwarded");
        Assert.Equal(offload == OffloadMode.Soft, stats.MergedHits > PacketCount / 2);
    }

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
