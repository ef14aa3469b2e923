using Xunit;

namespace Mergeflow.Tests;

/// <summary>Packets that no rule decides about: fragments, misses, and a switch without its controller.</summary>
public sealed class TreatmentTests : IOutputSink, IDisposable
{
    private const string Ports = "table=0,priority=9,udp,tp_dst=53,actions=output:2\ntable=0,priority=8,udp,ip_frag=yes,tp_dst=0,actions=output:3\ntable=0,priority=7,arp,actions=goto_table:1";

    private readonly Simulator _switch;
    private readonly List<uint> _out = [];

    public TreatmentTests()
    {
        _switch = new Simulator(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3)], BatchSize = 1, PacketCapacity = 64, PacketInBytes = 8192 }, this);
        _switch.ApplyFlowMods(new FlowTextParser().ParseFlows(Ports));
    }

    public void Dispose() => _switch.Dispose();

    void IOutputSink.Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => _out.Add(port);

    [Theory]
    [InlineData(FragmentHandling.Normal, new uint[] { 2, 3 })]
    [InlineData(FragmentHandling.Drop, new uint[] { 2 })]
    [InlineData(FragmentHandling.NiciraMatch, new uint[] { 2, 2 })]
    public void Fragments_are_seen_as_was_said_also_by_megaflows_that_were_there_before(FragmentHandling handling, uint[] ports)
    {
        byte[] whole = Frames.Udp("10.0.0.1", 1000, "10.0.0.2", 53), first = Fragment(whole);
        Assert.Equal([2u, 3u], Send(whole, first));
        Treat(new PacketTreatment(handling, TellsMisses: false, StandsAlone: false));
        Assert.Equal(ports, Send(whole, first));
        Treat(default);
        Assert.Equal([2u, 3u], Send(whole, first));
    }

    [Fact]
    public void A_miss_is_told_where_controllers_want_it_and_only_there()
    {
        byte[] other = Frames.Udp("10.0.0.1", 1000, "10.0.0.2", 99), arp = [.. Convert.FromHexString("ffffffffffff020000000001080600010800060400010200000000010a000001"), .. new byte[28]];
        Assert.Empty(Send(other));
        Assert.Empty(Told());
        Treat(new PacketTreatment(FragmentHandling.Normal, TellsMisses: true, StandsAlone: false));
        Send(other, arp, Frames.Udp("10.0.0.1", 1000, "10.0.0.2", 53));
        Assert.Equal([(0, PacketInReason.NoMatch, 0ul), (1, PacketInReason.NoMatch, 0ul)], Told().Select(static p => ((int)p.Table, p.Reason, p.Cookie)));
        Treat(default);
        Assert.Empty(Send(other));
        Assert.Empty(Told());
    }

    [Fact]
    public void Alone_it_forwards_whatever_its_rules_say()
    {
        _switch.ApplyFlowMods(new FlowTextParser().ParseFlows("table=0,priority=65535,actions=drop"));
        byte[] frame = Frames.Udp("10.0.0.1", 1000, "10.0.0.2", 53);
        frame[5] = (byte)(frame[11] + 1);
        Assert.Empty(Send(frame));
        Treat(new PacketTreatment(FragmentHandling.Normal, TellsMisses: false, StandsAlone: true));
        Assert.Equal([2u, 3u], Send(frame).Order());
        Treat(default);
        Assert.Empty(Send(frame));
    }

    [Fact]
    public void What_control_sends_and_has_sent_back_has_no_cookie()
    {
        PipelineFlow flow = default;
        _switch.Datapath.PacketOut(Frames.Udp("10.0.0.1", 1000, "10.0.0.2", 53), flow, new FlowTextParser().ParseFlow("actions=controller").Actions, 0);
        Assert.Equal([ulong.MaxValue], Told().Select(static p => p.Cookie));
    }

    private static byte[] Fragment(byte[] frame)
    {
        byte[] fragment = [.. frame];

        // More follow: of the packets that rules see, the first fragment.
        fragment[20] |= 0x20;
        Frames.Repair(fragment, 0, -1);
        return fragment;
    }

    private void Treat(PacketTreatment treatment) => _switch.Datapath.SetTreatment(treatment, 0);

    private uint[] Send(params byte[][] frames)
    {
        _out.Clear();
        foreach (byte[] frame in frames)
        {
            _switch.Receive(1, frame, 0);
            _switch.ProcessPending();
        }

        return [.. _out];
    }

    private List<PacketIn> Told()
    {
        List<PacketIn> packets = [];
        _switch.ProcessPending();
        _switch.Datapath.TakePacketIns(packets.Add);
        return packets;
    }
}
