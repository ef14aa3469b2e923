using System.Buffers.Binary;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What the microflow cache is worth while megaflows come and go.</summary>
public sealed class CacheChurnTests(ITestOutputHelper output) : IOutputSink
{
    private const string Flows = """
        in_port=1,ip,actions=output:2
        in_port=3,ip,actions=move:NXM_OF_IP_DST[]->NXM_NX_REG0[],output:2
        """;

    private ulong _sent;

    /// <summary>
    /// Established flows keep their entries when the slot of a megaflow that is gone gets its next user. (When each reuse emptied the cache they had 14, 23 and 90 % of their
    /// hits, with 20,000 flows 0, 0 and 17 %.)
    /// </summary>
    [Theory]
    [InlineData(1_000, 100)]
    [InlineData(1_000, 1_000)]
    [InlineData(1_000, 10_000)]
    [InlineData(20_000, 100)]
    [InlineData(20_000, 1_000)]
    [InlineData(20_000, 10_000)]
    [InlineData(1_000, 100_000)]
    [InlineData(20_000, 100_000)]
    public void New_megaflows_leave_the_microflows_of_others_alone(int flows, int packetsPerMegaflow)
    {
        (double share, ulong reused) = HitShare(flows, packetsPerMegaflow, Math.Max(300_000, 12 * packetsPerMegaflow));
        output.WriteLine($"{flows} flows, a new megaflow per {packetsPerMegaflow} packets: {share:P1} of hits, {reused} slots had another user before");
        Assert.True(reused > 5, $"only {reused} slots were reused");
        Assert.InRange(share, 0.95, 1);
    }

    void IOutputSink.Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => _sent++;

    private (double Share, ulong Reused) HitShare(int flows, int packetsPerMegaflow, int packets)
    {
        using var s = new Simulator(
            new SimulatorOptions
            {
                Ports = [("p1", 1), ("p2", 2), ("p3", 3)],
                BatchSize = PmdThread.MaxBatch,
                EmcEntryCount = 1 << 17,

                // The last of them is still there when the next one comes.
                MaxIdleMs = Math.Max(100, packetsPerMegaflow / 80),
                MaxRevalidatorMs = 50,
                FrameCapacityBytes = 256,
                PacketCapacity = 64,
            },
            this);
        s.ApplyFlowMods(new FlowTextParser().ParseFlows(Flows));
        byte[] frame = Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2, checksum: false);
        uint attack = 0;
        ulong honest = 0;

        // 200 packets per ms: what is made is idle soon. The first half warms up.
        Run(packets);
        (ulong hits, ulong before, ulong made) = (s.Datapath.Pmd.Stats.EmcHits, honest, s.Datapath.Pmd.Stats.Upcalls);
        Run(packets);
        Assert.Equal(s.Datapath.Pmd.Stats.Rx, _sent);
        return ((s.Datapath.Pmd.Stats.EmcHits - hits) / (double)(honest - before), s.Datapath.Pmd.Stats.Upcalls - made);

        void Run(int count)
        {
            for (int i = 0; i < count; i++)
            {
                if (i % 200 == 0) s.AdvanceTo(s.NowMs + 1);
                bool isNew = i % packetsPerMegaflow == 0;
                uint to = isNew ? 0x0b00_0000 + attack++ : 0x0c00_0000 + ((uint)(honest++ * 0x9e37_79b9_7f4a_7c15 >> 32) % (uint)flows);
                BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(30), to);
                s.Receive(isNew ? 3u : 1u, frame, 0);
            }

            s.ProcessPending();
        }
    }
}
