using System.Runtime.Intrinsics;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Packets that actions send to control, with what the pipeline knew of them, and packets that control lets go on.</summary>
public sealed class PacketInTests
{
    /// <summary>Nobody is woken for nothing, and who is awake costs nothing.</summary>
    [Fact]
    public void Who_sleeps_is_woken_by_the_first_packet_alone()
    {
        using var bed = new Bed("actions=controller");
        using WakeLatch latch = new();
        PacketInRing ring = bed.Switch.Datapath.Pmds[0].PacketIns!;
        bed.Switch.Datapath.WakeForPacketIns(latch);
        latch.Announce();
        ring.WakeConsumer();
        Assert.True(latch.IsAsleep);
        bed.Send(1);
        bed.Switch.ProcessPending();
        Assert.True(bed.Switch.Datapath.HasPacketIns);
        ring.WakeConsumer();
        Assert.False(latch.IsAsleep);
        Assert.Single(bed.Take());
        Assert.False(bed.Switch.Datapath.HasPacketIns);
    }

    /// <summary>A packet that is taken is not done with before whoever gets it has looked at it.</summary>
    [Fact]
    public void Control_has_been_told_all_when_it_has_handled_all_or_does_not_listen()
    {
        using var bed = new Bed("actions=controller");
        using WakeLatch latch = new();
        Datapath datapath = bed.Switch.Datapath;
        bed.Send(1);
        bed.Switch.ProcessPending();
        Assert.True(datapath.IsToldAll);
        datapath.AddTaker(latch);
        Assert.False(datapath.IsToldAll);
        List<bool> within = [];
        Assert.Equal(1, datapath.TakePacketIns(_ => within.Add(datapath.HasPacketIns || datapath.IsToldAll)));
        Assert.Equal([false], within);
        Assert.True(datapath.IsToldAll);
        datapath.RemoveTaker(latch);
    }

    [Fact]
    public void A_packet_comes_with_all_that_was_known_of_it()
    {
        using var bed = new Bed("table=0,cookie=0x77,ip,actions=load:5->NXM_NX_REG3[],write_metadata:0x99,goto_table:4\n"
            + "table=4,cookie=0x1234,priority=7,ip,actions=mod_dl_src:02:00:00:00:00:aa,controller(userdata=01.02.ff,id=7,max_len=64,reason=no_match),output:2");
        bed.Send(1);
        PacketIn packet = Assert.Single(bed.Take());
        Assert.Equal((PacketInReason.NoMatch, 4, 0x1234ul, 7, 64, "01.02.ff"), (packet.Reason, packet.Table, packet.Cookie, packet.ControllerId, packet.MaxLengthBytes, packet.UserData));
        Assert.Equal((1u, 0x99ul, 5u), (packet.Flow.Key.InPort.Host, packet.Flow.Metadata.Host, (uint)Fields.Of(FieldId.Reg3).Get(ref packet.Flow)));
        Assert.Equal("0200000000aa", Convert.ToHexStringLower(packet.Frame.AsSpan(6, 6)));
        Assert.Null(packet.Continuation);
        Assert.Equal(["2"], bed.Ports);
    }

    [Theory]
    [InlineData("priority=0,actions=controller", PacketInReason.ExplicitMiss)]
    [InlineData("priority=1,actions=controller", PacketInReason.Action)]
    [InlineData("priority=1,actions=group:1", PacketInReason.Group)]
    [InlineData("priority=1,actions=write_actions(controller)", PacketInReason.ActionSet)]
    [InlineData("priority=1,ip,actions=mod_nw_ttl:1,dec_ttl", PacketInReason.InvalidTtl)]
    public void The_reason_says_where_the_action_stands(string flow, PacketInReason reason)
    {
        using var bed = new Bed(flow, "group_id=1,type=indirect,bucket=actions=controller");
        bed.Send(1);
        Assert.Equal(reason, Assert.Single(bed.Take()).Reason);
    }

    /// <summary>A pause that control ends at once changes nothing, wherever it stands.</summary>
    [Theory]
    [InlineData("table=0,ip,actions=output:2,PAUSE,output:3")]
    [InlineData("table=0,ip,actions=mod_nw_ttl:9,PAUSE,output:2,mod_nw_tos:8,output:3")]
    [InlineData("table=0,ip,actions=load:7->NXM_NX_REG1[],PAUSE,resubmit(,1),output:4\ntable=1,reg1=7,actions=output:2,load:8->NXM_NX_REG1[],resubmit(,2)\ntable=2,reg1=8,actions=output:3")]
    [InlineData("table=0,ip,actions=resubmit(,1),output:NXM_NX_REG1[]\ntable=1,actions=load:4->NXM_NX_REG1[],push:NXM_NX_REG1[],PAUSE,pop:NXM_NX_REG2[],output:NXM_NX_REG2[],load:3->NXM_NX_REG1[]")]
    [InlineData("table=0,ip,actions=PAUSE,output:2,write_actions(output:3)")]
    [InlineData("table=0,ip,actions=write_actions(output:3),goto_table:1\ntable=1,actions=PAUSE,output:4")]
    [InlineData("table=0,ip,actions=clone(mod_nw_ttl:3,PAUSE,output:2)")]
    [InlineData("table=0,ip,actions=group:1,output:4\ntable=1,ip,actions=PAUSE,output:2")]
    [InlineData("table=0,ip,ct_state=-trk,actions=ct(table=1)\ntable=1,ip,actions=PAUSE,ct(commit,exec(load:6->NXM_NX_CT_MARK[])),resubmit(,2)\ntable=2,ip,ct_state=+new,actions=output:2\ntable=2,ip,actions=output:3")]
    [InlineData("table=0,ip,actions=push_vlan:0x8100,set_field:4101->vlan_vid,PAUSE,output:2,pop_vlan,output:3")]
    [InlineData("table=0,ip,actions=push_mpls:0x8847,PAUSE,output:2")]
    [InlineData("table=0,ip,actions=PAUSE,PAUSE,output:2")]
    [InlineData("table=0,ip,actions=PAUSE,goto_table:3\ntable=3,ip,actions=write_metadata:5,goto_table:4\ntable=4,metadata=5,actions=output:4")]
    public void A_pause_that_ends_at_once_changes_nothing(string flows)
    {
        const string group = "group_id=1,type=indirect,bucket=actions=resubmit(,1),output:3";
        using var plain = new Bed(flows.Replace("PAUSE,", "", StringComparison.Ordinal).Replace("PAUSE", "note:00", StringComparison.Ordinal), group);
        using var paused = new Bed(flows.Replace("PAUSE", "controller(pause,userdata=aa)", StringComparison.Ordinal), group);
        for (int i = 0; i < 3; i++)
        {
            plain.Send(1);
            paused.Send(1);
            for (List<PacketIn> packets = paused.Take(); packets.Count > 0; packets = paused.Take())
            {
                foreach (PacketIn packet in packets)
                {
                    Assert.Equal(("aa", true), (packet.UserData, packet.Continuation is not null));
                    Assert.True(paused.Switch.Datapath.Resume(packet.Continuation, packet.Frame, packet.Flow, paused.Switch.NowMs));
                }
            }
        }

        Assert.NotEmpty(plain.Sent);
        Assert.Equal(plain.Sent.Order(StringComparer.Ordinal), paused.Sent.Order(StringComparer.Ordinal));
        plain.Switch.Settle();
        paused.Switch.Settle();
        Assert.Equal(plain.Switch.Pipeline.Rules.Select(static r => (r.Table, r.Packets)), paused.Switch.Pipeline.Rules.Select(static r => (r.Table, r.Packets)));
    }

    [Fact]
    public void A_controller_may_change_packet_and_metadata()
    {
        using var bed = new Bed("table=0,ip,actions=controller(pause),resubmit(,1)\ntable=1,reg5=1,actions=output:2\ntable=1,reg5=2,actions=output:3");
        bed.Send(1);
        PacketIn packet = Assert.Single(bed.Take());
        Fields.Of(FieldId.Reg5).Set(ref packet.Flow, 2);
        packet.Frame[0] = 0x06;
        Assert.True(bed.Switch.Datapath.Resume(packet.Continuation, packet.Frame, packet.Flow, bed.Switch.NowMs));
        Assert.StartsWith("3:06", Assert.Single(bed.Sent), StringComparison.Ordinal);
    }

    [Fact]
    public void A_packet_goes_on_long_after_its_megaflow_and_its_rule_are_gone()
    {
        using var bed = new Bed("table=0,ip,actions=controller(pause),output:2");
        bed.Send(1);
        PacketIn packet = Assert.Single(bed.Take());
        bed.Switch.ApplyFlowMods(new FlowTextParser().ParseFlows("delete table=0"));
        bed.Switch.AdvanceTo(3_600_000);
        Assert.True(bed.Switch.Datapath.Resume(packet.Continuation, packet.Frame, packet.Flow, bed.Switch.NowMs));
        Assert.Equal(["2"], bed.Ports);
    }

    /// <summary>Control that is late gets what came: a packet names what is known of it until control is done with it, also while it has the one before; and no longer.</summary>
    [Theory]
    [InlineData("controller(pause)")]
    [InlineData("controller")]
    public void A_packet_waits_for_control_as_long_as_it_takes(string action)
    {
        using var bed = new Bed($"table=0,ip,actions={action},output:2");
        for (int i = 0; i < 3; i++) bed.Send(1);
        bed.Switch.ProcessPending();
        bed.Switch.ApplyFlowMods(new FlowTextParser().ParseFlows("delete table=0"));
        Datapath datapath = bed.Switch.Datapath;
        for (int i = 1; i <= 3; i++)
        {
            bed.Switch.AdvanceTo(i * 10_000);
            Sweep();
            Assert.Equal(1, datapath.TakePacketIns(_ => Sweep(), most: 1));
        }

        Assert.Equal(0, datapath.TakePacketIns(static _ => Assert.Fail("There were three."), most: 1));
        Assert.InRange(datapath.Recirc.Count, 1, 2);
        bed.Switch.AdvanceTo(60_000);
        Sweep();
        Assert.Equal(datapath.Recirc.ReferencedCount, datapath.Recirc.Count);

        void Sweep()
        {
            for (int i = 0; i < 3; i++) datapath.Recirc.Sweep(bed.Switch.NowMs + (i * RecircStore.GraceMs));
        }
    }

    /// <summary>A mirror gets a packet once, also where the packet waits between its outputs.</summary>
    [Fact]
    public void A_mirror_gets_a_packet_that_waits_once()
    {
        using var bed = new Bed("table=0,ip,actions=controller(pause),output:2,controller(pause),output:3,controller(pause)");
        MirrorPlan mirror = new("m", []) { From = new HashSet<uint>(), To = new HashSet<uint> { 2, 3 }, OutputPort = new PortBundle("p4", [4]) };
        bed.Switch.Datapath.Ports.SetForwarding(new ForwardingPlan([], [mirror], []), 0);
        bed.Send(1);
        for (int i = 0; i < 3; i++)
        {
            PacketIn packet = Assert.Single(bed.Take());
            Assert.True(bed.Switch.Datapath.Resume(packet.Continuation, packet.Frame, packet.Flow, bed.Switch.NowMs));
        }

        Assert.Empty(bed.Take());
        Assert.Equal(["2", "4", "3"], bed.Ports);
    }

    /// <summary>Where nobody takes packets, what they name is bounded.</summary>
    [Fact]
    public void What_waits_for_control_is_bounded()
    {
        OfPipeline bridge = new(new PipelineOptions());
        RecircStore store = new() { RoundsTaken = static () => 0 };
        const int over = 7;
        for (uint i = 0; i < RecircStore.MostWaiting + over; i++)
        {
            FrozenLanes lanes = default;
            lanes.Regs0 = Vector256.AsByte(Vector256.CreateScalar(i));
            var view = new FrozenView { Bridge = bridge, Lanes = ref lanes, Stack = [], ActionSet = [], Ops = [], UserData = "" };
            store.Release(store.Intern(ref view));
        }

        Assert.Equal(0, store.Sweep(0));
        Assert.Equal(over, store.Sweep(RecircStore.GraceMs));
        Assert.Equal(0, store.Sweep(2 * RecircStore.GraceMs));
        Assert.Equal(RecircStore.MostWaiting, store.Count);
    }

    [Fact]
    public void A_packet_of_another_switch_does_not_go_on()
    {
        using var bed = new Bed("table=0,ip,actions=controller(pause),output:2");
        using var other = new Bed("table=0,ip,actions=controller(pause),output:2");
        bed.Send(1);
        other.Send(1);
        PacketIn packet = Assert.Single(bed.Take());
        Assert.Single(other.Take());
        Assert.False(other.Switch.Datapath.Resume(packet.Continuation, packet.Frame, packet.Flow, 0));
        Assert.False(bed.Switch.Datapath.Resume(packet.Continuation.AsSpan(0, 8), packet.Frame, packet.Flow, 0));
        byte[] unknown = [.. packet.Continuation!];
        unknown[^1] ^= 0x40;
        Assert.False(bed.Switch.Datapath.Resume(unknown, packet.Frame, packet.Flow, 0));
        Assert.Empty(other.Sent);
    }

    [Fact]
    public void Control_sends_packets_of_its_own()
    {
        using var bed = new Bed("table=0,in_port=3,ip,actions=output:4\ntable=0,priority=1,actions=controller");
        PipelineFlow flow = default;
        flow.Key.InPort = Native.Be32.FromHost(3);
        byte[] frame = Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2);
        bed.Switch.Datapath.PacketOut(frame, flow, Actions("output:2,table,controller"), 0);
        Assert.Equal(["2", "4"], bed.Ports);
        Assert.Equal(PacketInReason.PacketOut, Assert.Single(bed.Take()).Reason);
        Assert.Equal("OFPBAC_BAD_OUT_GROUP", Assert.Throws<FlowModException>(() => bed.Switch.Datapath.PacketOut(frame, flow, Actions("group:9"), 0)).Error);
    }

    [Fact]
    public void A_meter_takes_away_what_controllers_get_and_nothing_else()
    {
        using var bed = new Bed("");
        bed.Switch.ApplyMeterMod(FlowTextParser.ParseMeters("meter=2 pktps burst bands=type=drop rate=1 burst_size=3")[0]);
        bed.Switch.ApplyFlowMods(new FlowTextParser().ParseFlows("ip,actions=controller(userdata=07,meter_id=2),output:2"));
        for (int i = 0; i < 10; i++) bed.Send(1);
        Assert.Equal((3, 10), (bed.Take().Count, bed.Sent.Count));
    }

    /// <summary>Who finds no room is counted, and goes on.</summary>
    [Fact]
    public void A_flood_is_bounded()
    {
        using var bed = new Bed("actions=controller,output:2");
        for (int i = 0; i < 100; i++) bed.Send(1);
        int taken = bed.Take().Count;
        Assert.InRange(taken, 5, 20);
        Assert.Equal((100ul - (ulong)taken, 100), (bed.Switch.Datapath.PacketInsDropped, bed.Sent.Count));
        bed.Send(1);
        Assert.Single(bed.Take());
    }

    [Fact]
    public void Samples_go_to_the_collector()
    {
        using var bed = new Bed("actions=sample(probability=65535,collector_set_id=3,obs_domain_id=4,obs_point_id=5,sampling_port=2),output:2");
        List<DpUserspace> samples = [];
        bed.Switch.Datapath.Collector = (told, frame) => samples.Add(told);
        bed.Send(1);
        Assert.Empty(bed.Take());
        bed.Switch.Pipeline.SetCollectors(true);
        bed.Switch.Datapath.Revalidator.RevalidateAll(0);
        bed.Send(1);
        Assert.Empty(bed.Take());
        DpUserspace sample = Assert.Single(samples);
        Assert.Equal((3u, 4u, 5u, 2u, 65535), (sample.CollectorSetId, sample.ObservationDomainId, sample.ObservationPointId, sample.OutputPort, sample.Probability));
    }

    private static EquatableList<OfAction> Actions(string text) => new FlowTextParser().ParseFlow($"actions={text}").Actions;

    private sealed class Bed : IOutputSink, IDisposable
    {
        public Bed(string flows, string groups = "")
        {
            Switch = new Simulator(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3), ("p4", 4)], BatchSize = 1, PacketCapacity = 64, PacketInBytes = 8192 }, this);
            var parser = new FlowTextParser();
            foreach (GroupMod group in parser.ParseGroups(groups)) Switch.ApplyGroupMod(group);
            Switch.ApplyFlowMods(parser.ParseFlows(flows));
        }

        public Simulator Switch { get; }

        public List<string> Sent { get; } = [];

        public IEnumerable<string> Ports => Sent.Select(static s => s[..1]);

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => Sent.Add($"{port}:{Convert.ToHexStringLower(frame)}");

        public void Send(uint port) => Switch.Receive(port, Frames.Udp("10.0.0.1", 1000, "10.0.0.2", 53), 0);

        public List<PacketIn> Take()
        {
            List<PacketIn> packets = [];
            Switch.ProcessPending();
            Switch.Datapath.TakePacketIns(packets.Add);
            return packets;
        }

        public void Dispose() => Switch.Dispose();
    }
}
