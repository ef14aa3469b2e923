using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// The marks of <see cref="ConnOffload"/>: the offload side marks a connection and then compares its generation, while the tracker ends it. Whoever
/// found it current has its slot kept, and was told.
/// </summary>
public sealed class ConnMarksLitmus
{
    private static readonly Explorer s_explorer = new() { StoreBuffers = true };

    /// <summary>Of several packet threads, each moves a generation in one instruction, which is a fence.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void An_end_is_seen_or_reported(int threads) => s_explorer.Explore(() => Run(hasFence: true, threads)).MustHoldInEveryOrder();

    /// <summary>A tracker that nobody observes makes no fence: marks that are made all the same must be missed in some order.</summary>
    [Fact]
    public void Without_the_fence_a_mark_is_missed() => s_explorer.Explore(static () => Run(hasFence: false)).MustBeCaught("given away");

    private static LitmusRun Run(bool hasFence, int threads = 1)
    {
        var probe = new ConntrackProbe(new ConntrackOptions { Seed = 7, CapacityConnections = 1, ThreadCount = threads }, packets: 4);
        var heard = new Heard();
        if (hasFence) probe.Conntrack.Observer = heard;
        CtVerdict open = Send(probe, new DpCt { Zone = 1, Flags = DpCtFlags.Commit });
        bool isCurrent = false;
        return new LitmusRun(
            [
                () => probe.Conntrack.FlushZone(1),
                () =>
                {
                    probe.Conntrack.Offload.MarkOffloaded(open.ConnId);
                    isCurrent = probe.Conntrack.Offload.GenerationOf(open.ConnId) == open.Generation;
                },
            ],
            () =>
            {
                if (!isCurrent) return;
                LitmusViolation.Unless(!hasFence || heard.Count == 1, "the end was neither seen nor reported");
                Send(probe, new DpCt { Zone = 2, Flags = DpCtFlags.Commit });
                LitmusViolation.Unless(probe.Conntrack.Count == 0, "the slot was given away although the connection was found current");
            },
            probe);
    }

    private static CtVerdict Send(ConntrackProbe probe, DpCt action)
    {
        // Ethernet, IPv4, UDP 10.0.0.1:1 > 10.0.0.2:2 without checksum, no data.
        PacketRef packet = probe.Receive(Convert.FromHexString("0200000000020200000000010800" + "4500001c00000000401166cf0a0000010a000002" + "0001000200080000"));
        CtVerdict verdict = probe.Execute(packet, action, 1000);
        probe.Return(packet);
        return verdict;
    }

    private sealed class Heard : IConnObserver
    {
        public int Count { get; private set; }

        public void OnConnInvalidated(int connId, uint newGeneration) => Count++;
    }
}
