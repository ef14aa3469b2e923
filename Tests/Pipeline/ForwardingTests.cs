using Xunit;

namespace Mergeflow.Tests;

/// <summary>What <c>normal</c> and outputs make of bonds, mirrors, protected ports and VLANs without learning (ovs-vswitchd.conf.db(5)).</summary>
public sealed class ForwardingTests : IDisposable
{
    private readonly Sink _sink = new();
    private readonly Simulator _simulator;
    private long _nowMs;

    public ForwardingTests()
    {
        _simulator = new Simulator(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3), ("p4", 4)], BatchSize = 1, PacketCapacity = 64 }, _sink);
        _simulator.ApplyFlowMods(new FlowTextParser().ParseFlows("actions=normal"));
    }

    [Fact]
    public void A_mirror_copies_what_comes_in_and_what_goes_out_once()
    {
        MirrorPlan mirror = new("m", []) { From = new HashSet<uint> { 1, 2 }, To = new HashSet<uint> { 1, 2 }, OutputPort = new PortBundle("p4", [4]) };
        Set([], [mirror]);
        Assert.Equal("2 3 4", Send(1, 0xa, 0xb));
        Assert.Equal("1 4", Send(2, 0xb, 0xa));
        Assert.Equal("1 4", Send(3, 0xc, 0xa));
        Assert.Equal("", Send(4, 0xd, 0xa));
        _simulator.Datapath.Settle(_nowMs);
        Assert.Equal((3UL, 3UL * 60), (mirror.Packets, mirror.Bytes));
        Set([], []);
        Assert.Equal("1", Send(2, 0xb, 0xa));
    }

    [Fact]
    public void What_goes_out_is_copied_as_it_goes_out()
    {
        _simulator.ApplyFlowMods(new FlowTextParser().ParseFlows("priority=40000,ip,actions=mod_nw_tos:32,output:2"));
        Set([], [new MirrorPlan("in", []) { From = new HashSet<uint> { 1 }, To = new HashSet<uint>(), OutputPort = new PortBundle("p3", [3]) }, new MirrorPlan("out", []) { From = new HashSet<uint>(), To = new HashSet<uint> { 2 }, OutputPort = new PortBundle("p4", [4]) }]);
        Assert.Equal("2 3 4", Send(1, 0xa, 0xb));
        Assert.Equal((0, 32, 32), (_sink.Frames[3][15], _sink.Frames[2][15], _sink.Frames[4][15]));
    }

    [Fact]
    public void A_mirror_selects_by_vlan_and_cuts_its_copies()
    {
        Set([], [new MirrorPlan("m", [7]) { From = new HashSet<uint> { 1, 2 }, To = new HashSet<uint>(), OutputPort = new PortBundle("p4", [4]), SnapBytes = 20 }]);
        _simulator.Datapath.Ports.SetVlan(1, new PortVlan(PortVlanMode.Access, 7, []), _nowMs);
        Assert.Equal("2 3 4", Send(1, 0xa, 0xb));
        Assert.Equal((20, 64), (_sink.Frames[4].Length, _sink.Frames[2].Length));
        Assert.Equal("3", Send(2, 0xb, 0xc));
    }

    [Fact]
    public void A_mirror_to_a_vlan_sends_tagged_copies_where_that_vlan_goes()
    {
        Set([], [new MirrorPlan("m", []) { From = new HashSet<uint> { 1 }, To = new HashSet<uint>(), OutputVlan = 12 }]);
        _simulator.Datapath.Ports.SetVlan(2, new PortVlan(PortVlanMode.Trunk, 0, [0]), _nowMs);
        _simulator.Datapath.Ports.SetVlan(3, new PortVlan(PortVlanMode.Trunk, 0, [12]), _nowMs);
        _simulator.Datapath.Ports.SetVlan(4, new PortVlan(PortVlanMode.Access, 12, []), _nowMs);
        Assert.Equal("1 2 3 4", Send(1, 0xa, 0xb));
        Assert.Equal("81 00 00 0c", Convert.ToHexStringLower(_sink.Frames[3].AsSpan(12, 4)).Insert(6, " ").Insert(4, " ").Insert(2, " "));
        Assert.Equal(60, _sink.Frames[4].Length);
    }

    [Fact]
    public void A_mirror_whose_packets_go_through_connection_tracking_gets_each_once()
    {
        _simulator.ApplyFlowMods(new FlowTextParser().ParseFlows("priority=40000,ct_state=-trk,ip,actions=ct(table=1)\ntable=1,actions=output:2"));
        Set([], [new MirrorPlan("m", []) { From = new HashSet<uint> { 1 }, To = new HashSet<uint> { 2 }, OutputPort = new PortBundle("p4", [4]) }]);
        Assert.Equal("2 4", Send(1, 0xa, 0xb));
        Assert.Equal("2 4", Send(1, 0xa, 0xb));
    }

    [Fact]
    public void Protected_ports_do_not_reach_each_other()
    {
        Set([new PortBundle("p1", [1]) { IsProtected = true }, new PortBundle("p2", [2]) { IsProtected = true }], []);
        Assert.Equal("3 4", Send(1, 0xa, 0xff));
        Assert.Equal("", Send(2, 0xb, 0xa));
        Assert.Equal("1", Send(3, 0xc, 0xa));
    }

    [Fact]
    public void Nothing_is_learned_in_a_flood_vlan()
    {
        _simulator.Datapath.Ports.SetForwarding(new ForwardingPlan([], [], [0]), _nowMs);
        Assert.Equal("2 3 4", Send(1, 0xa, 0xb));
        Assert.Equal("1 3 4", Send(2, 0xb, 0xa));
    }

    [Fact]
    public void A_bond_learns_as_one_port_and_sends_by_its_active_member()
    {
        Set([Bond(BondMode.ActiveBackup, active: 2)], []);
        Assert.Equal("2 4", Send(1, 0xa, 0xb));
        Assert.Equal("1", Send(2, 0xb, 0xa));
        Assert.Equal("", Send(3, 0xb, 0xa));
        Assert.Equal("2", Send(1, 0xa, 0xb));
        Set([Bond(BondMode.ActiveBackup, active: 3)], []);
        Assert.Equal("3", Send(1, 0xa, 0xb));
        Assert.Equal("", Send(2, 0xb, 0xa));
        Set([Bond(BondMode.ActiveBackup, active: null)], []);
        Assert.Equal("", Send(1, 0xa, 0xb));
    }

    [Fact]
    public void A_bond_balances_by_source_address_and_takes_nothing_back()
    {
        Set([Bond(BondMode.BalanceSlb, active: 2)], []);
        HashSet<string> used = [];
        for (ulong source = 0x100; source < 0x120; source++) used.Add(Send(1, source, 0xb));
        Assert.Equal(["2 4", "3 4"], used.Order());

        // A frame of ours that a switch beyond the bond sends back, and what is for all by a member that is not the active one.
        Assert.Equal("", Send(2, 0x100, 0xb));
        Assert.Equal("", Send(3, 0xd, 0xffffffffffff));
        Assert.Equal("1 4", Send(2, 0xd, 0xffffffffffff));
        Assert.Equal("1", Send(3, 0xe, 0x101));
    }

    [Fact]
    public void A_bond_that_needs_an_agreement_is_still_without_it()
    {
        Set([Bond(BondMode.BalanceTcp, active: 2, BondLacp.Configured)], []);
        Assert.Equal("4", Send(1, 0xa, 0xb));
        Assert.Equal("", Send(2, 0xb, 0xa));
        Set([Bond(BondMode.BalanceTcp, active: 2, BondLacp.Negotiated)], []);
        HashSet<string> used = [];
        for (int port = 1; port < 40; port++) used.Add(Send(1, 0xa, 0xb, port));
        Assert.Equal(["2 4", "3 4"], used.Order());
        Assert.Equal("1", Send(3, 0xb, 0xa));
    }

    [Fact]
    public void Messages_of_LACP_go_to_the_switch_itself()
    {
        List<uint> heard = [];
        _simulator.Datapath.LacpReceiver = (port, _) => heard.Add(port);
        byte[] frame = Control.Bridges.LacpFrame.Write(0x0200_0000_0001, default, default);
        _simulator.Receive(2, frame, _nowMs++);
        Assert.Empty(_sink.Ports);
        Set([new PortBundle("bond", [2, 3]) { HasLacp = true, Bond = Bond(BondMode.ActiveBackup, 2).Bond }], []);
        _simulator.Receive(2, frame, _nowMs++);
        _simulator.Receive(1, frame, _nowMs++);
        _simulator.ProcessPending();
        Assert.Empty(_sink.Ports);
        Assert.Contains(_simulator.Datapath.DumpMegaflows(_nowMs), static m => m.Actions.Any(static a => a.Op == DpOp.Userspace));
        Assert.Single(_simulator.Datapath.DumpMegaflows(_nowMs), static m => m.Actions.Any(static a => a.Op == DpOp.Userspace));
    }

    public void Dispose() => _simulator.Dispose();

    private static PortBundle Bond(BondMode mode, uint? active, BondLacp lacp = BondLacp.Off)
        => new("bond", [2, 3]) { Bond = new BondPlan { Mode = mode, Lacp = lacp, Enabled = [2, 3], Active = active, Buckets = [.. Enumerable.Range(0, BondPlan.BucketCount).Select(static i => (uint)(2 + (i % 2)))] } };

    private void Set(IEnumerable<PortBundle> bundles, IEnumerable<MirrorPlan> mirrors) => _simulator.Datapath.Ports.SetForwarding(new ForwardingPlan(bundles, mirrors, []), _nowMs);

    /// <summary>Sends a frame; returns the ports that got it.</summary>
    private string Send(uint port, ulong source, ulong destination, int sourcePort = 1)
    {
        byte[] frame = Frames.Udp("10.0.0.1", sourcePort, "10.0.0.2", 2, payload: 18);
        for (int i = 0; i < 6; i++) (frame[i], frame[6 + i]) = ((byte)(destination >> (40 - (8 * i))), (byte)(source >> (40 - (8 * i))));
        _sink.Ports.Clear();
        _sink.Frames.Clear();
        _simulator.Receive(port, frame, _nowMs++);
        _simulator.ProcessPending();
        return string.Join(' ', _sink.Ports.Order());
    }

    private sealed class Sink : IOutputSink
    {
        public List<uint> Ports { get; } = [];

        public Dictionary<uint, byte[]> Frames { get; } = [];

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
        {
            Ports.Add(port);
            Frames[port] = frame.ToArray();
        }
    }
}
