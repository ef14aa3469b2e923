using System.Buffers.Binary;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Which packets get an entry in the exact-match cache (<c>emc-insert-inv-prob</c>).</summary>
public sealed class CacheInsertionTests : IOutputSink
{
    private const int Flows = 2_000;

    [Fact]
    public void Unless_it_is_said_the_first_hit_of_a_megaflow_makes_the_entry() => Assert.Equal((2, 1, 1), Fates(null, sizes: [4]));

    [Fact]
    public void One_in_one_finds_the_second_packet_in_the_cache() => Assert.Equal((3, 0, 1), Fates(1, sizes: [4]));

    [Fact]
    public void None_leaves_the_cache_empty() => Assert.Equal((0, 3, 1), Fates(0, sizes: [4]));

    /// <summary>Packets of one batch are looked up together, by another way than single ones.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(0u)]
    [InlineData(1u)]
    public void A_batch_is_treated_as_its_packets_are(uint? oneIn)
    {
        (int hits, int found, int upcalls) = Fates(oneIn, sizes: [1, 8, 8]);
        Assert.Equal(17, hits + found + upcalls);
        Assert.Equal(1, upcalls);
        if (oneIn == 0) Assert.Equal(0, hits);
        else if (oneIn == 1) Assert.Equal(16, hits);
        else Assert.InRange(hits, 8, 15);
    }

    [Theory]
    [InlineData(10u)]
    [InlineData(100u)]
    public void Entries_are_as_many_as_it_says(uint oneIn)
    {
        using Simulator s = Switch();
        s.Datapath.SetCacheInsertion(oneIn);
        byte[] frame = Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2, checksum: false);
        for (int round = 0; round < 2; round++)
        {
            for (int i = 0; i < Flows; i++)
            {
                BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(30), 0x0c00_0000 + (uint)i);
                s.Receive(1, frame, 0);
            }
        }

        s.ProcessPending();

        // A binomial deviation is 13 and 4.5; six of them.
        Assert.InRange((double)s.Datapath.Pmd.Stats.EmcHits, (Flows / (double)oneIn) - (oneIn == 10 ? 80 : 20), (Flows / (double)oneIn) + (oneIn == 10 ? 80 : 27));
    }

    void IOutputSink.Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
    {
    }

    private Simulator Switch()
    {
        var s = new Simulator(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)], BatchSize = PmdThread.MaxBatch, EmcEntryCount = 1 << 17, FrameCapacityBytes = 256, PacketCapacity = 64 }, this);
        s.ApplyFlowMods(new FlowTextParser().ParseFlows("in_port=1,ip,actions=move:NXM_OF_IP_DST[]->NXM_NX_REG0[],output:2"));
        return s;
    }

    /// <summary>Packets of one flow by where their megaflow came from: cache, classifier, upcall.</summary>
    private (int Cache, int Classifier, int Upcalls) Fates(uint? oneIn, int[] sizes)
    {
        using Simulator s = Switch();
        s.Datapath.SetCacheInsertion(oneIn);
        byte[] frame = Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2, checksum: false);
        foreach (int size in sizes)
        {
            for (int i = 0; i < size; i++)
            {
                s.Receive(1, frame, 0);
                if (sizes.Length == 1) s.ProcessPending();
            }

            s.ProcessPending();
        }

        PmdStats stats = s.Datapath.Pmd.Stats;
        return ((int)stats.EmcHits, (int)stats.MegaflowHits, (int)stats.Upcalls);
    }
}
