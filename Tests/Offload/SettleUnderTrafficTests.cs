using Xunit;

namespace Mergeflow.Tests;

/// <summary>Packets leave traces as fast as these are merged: who settles, or waits for the device, handles what there was when he began.</summary>
public sealed class SettleUnderTrafficTests
{
    private const int Waiting = 5, TooMany = 1000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_comes_meanwhile_waits(bool removal)
    {
        Busy merger = new();
        using Engine.Runtime.Datapath d = new(new DatapathOptions { Ports = [("p1", 1)], Offload = OffloadMode.Nic, PacketCapacity = 64, OffloadThread = new OffloadOptions { Parts = new OffloadParts { Merger = _ => merger } } }, sink: null);
        merger.Traces = d.Pmds[0].Offload!.Traces;
        for (int i = 0; i < Waiting; i++) merger.Leave();
        if (removal) d.Offload!.AcknowledgeRemoval(1000);
        else d.Offload!.Settle(1000);
        Assert.Equal((Waiting, Waiting), (merger.Asked, merger.Traces.Count));

        // Who only wants to know that nothing revoked is used has nothing merged.
        d.Offload.Acknowledge(1000);
        Assert.Equal(Waiting, merger.Asked);

        // The thread itself goes on with them.
        d.Offload.Step(1001);
        Assert.True(merger.Asked > Waiting);
    }

    /// <summary>With each trace that it looks at another one comes.</summary>
    private sealed class Busy : ITraceMerger
    {
        public TraceRing? Traces { get; set; }

        public int Asked { get; private set; }

        public MergeRefusal Refusal => new(OffloadReason.StaleTrace, 0, "busy");

        public bool TryMerge(Trace trace, MergedFlow rule)
        {
            if (++Asked > TooMany) throw new InvalidOperationException("it does not end");
            Leave();
            return false;
        }

        public void Leave()
        {
            Assert.NotNull(Traces!.TryBegin());
            Traces.Publish();
        }
    }
}
