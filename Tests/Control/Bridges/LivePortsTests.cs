using Mergeflow.Control;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Runtime;
using Mergeflow.Engine.Text;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Ports of a running switch whose links come and go, and which are polled late.</summary>
public sealed class LivePortsTests
{
    /// <summary>Whoever looks at a device first, the datapath is told of its link.</summary>
    [Fact]
    public void A_link_that_somebody_else_has_seen_come_up_is_told_all_the_same()
    {
        using Mergeflow.Control.LiveSwitch live = new(new DatapathOptions { Ports = [], PacketCapacity = 512, FrameCapacityBytes = 2048 });
        ModelPort port = new(1);
        live.Ports.Add(port, 0);
        live.Start();
        Assert.Empty(live.Datapath.Pipeline.Snapshot.LivePorts);
        port.Wire = true;
        port.Refresh();
        live.Ports.Refresh(1);
        Assert.Equal([1u], live.Datapath.Pipeline.Snapshot.LivePorts);
        port.Wire = false;
        port.Refresh();
        live.Ports.Refresh(2);
        Assert.Empty(live.Datapath.Pipeline.Snapshot.LivePorts);
    }

    /// <summary>OVS <c>flow-restore-wait</c>: what comes meanwhile waits where it came from.</summary>
    [Fact]
    public void Ports_that_are_held_are_polled_when_they_are_released()
    {
        using Mergeflow.Control.LiveSwitch live = new(new DatapathOptions { Ports = [], PacketCapacity = 512, FrameCapacityBytes = 2048 });
        live.Datapath.ApplyFlowMods(new FlowTextParser().ParseFlows("in_port=1,actions=drop"), 0);
        live.Ports.Hold();
        ModelPort port = new(1) { Wire = true }, gone = new(2) { Wire = true };
        live.Ports.Add(port, 0);
        live.Ports.Add(gone, 0);
        live.Start();
        for (int i = 0; i < 5; i++) Assert.True(port.Queue.TrySend(NicFrame.UdpIpv4(1, 2, "10.0.0.1", "10.0.0.2")));
        Assert.True(live.Ports.Remove(2, 0));
        live.Datapath.Settle(0);
        Assert.Equal(0ul, live.Datapath.Stats.Rx);
        live.Ports.Release();
        Eventually.True(() => live.Datapath.Stats.Rx == 5, "what waited is taken");
    }

    private sealed class ModelPort(uint number) : LivePort(number, $"m{number}")
    {
        private bool _seen;

        public bool Wire { get; set; }

        public RingRxQueue Queue { get; } = new(number);

        public override string Type => "model";

        public override int QueueCount => 1;

        public override int MtuBytes => 1500;

        public override ulong Mac => 0;

        public override int IfIndex => 0;

        public override bool HasCarrier => _seen;

        public override bool IsGone => false;

        public override RxQueue Rx(int queue) => Queue;

        public override void Refresh() => _seen = Wire;

        protected override TxQueue NewTx() => new PatchPort(Number, Name, 1, 0).OpenTx();

        protected override PortCounters RxCounters(int queue) => new();
    }
}
