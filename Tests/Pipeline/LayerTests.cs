using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary><c>encap</c> and <c>decap</c>: what they become, and what leaves.</summary>
public sealed class LayerTests
{
    private const string Wrap = "in_port=1,actions=encap(mpls),set_mpls_label:2,encap(ethernet),set_field:00:00:00:00:00:02->dl_dst,set_field:00:00:00:00:00:01->dl_src,output:2";
    private const string Unwrap = "in_port=2,mpls,mpls_label=2,actions=decap(),decap(packet_type(ns=0,type=0)),output:1";
    private static readonly string s_outer = "000000000002" + "000000000001" + "8847" + "00002140";

    [Theory]
    [InlineData("encap(mpls),output:2", "drop")]
    [InlineData("encap(mpls),encap(ethernet),output:2", "add_mpls(label=0,tc=0,ttl=64,bos=1,eth_type=0x8847),push_eth(src=00:00:00:00:00:00,dst=00:00:00:00:00:00),2")]
    [InlineData("encap(mpls_mc),set_mpls_label:3,encap(mpls_mc),set_mpls_label:2,encap(ethernet),output:2", "add_mpls(label=3,tc=0,ttl=64,bos=1,eth_type=0x8848),add_mpls(label=2,tc=0,ttl=64,bos=0,eth_type=0x8848),push_eth(src=00:00:00:00:00:00,dst=00:00:00:00:00:00),2")]
    [InlineData("encap(mpls),encap(mpls),encap(mpls),encap(mpls),encap(ethernet),output:2", "drop")]
    [InlineData("encap(ethernet),output:2", "drop")]
    [InlineData("decap,output:2", "drop")]
    [InlineData("decap,encap(ethernet),mod_dl_src:00:00:00:00:00:05,output:2", "pop_eth,push_eth(src=00:00:00:00:00:05,dst=00:00:00:00:00:00),2")]
    [InlineData("decap,decap,output:2", "drop")]
    [InlineData("push_vlan:0x8100,decap,output:2", "drop")]
    [InlineData("decap,encap(mpls),set_mpls_label:2,encap(ethernet),output:2", "pop_eth,add_mpls(label=2,tc=0,ttl=64,bos=1,eth_type=0x8847),push_eth(src=00:00:00:00:00:00,dst=00:00:00:00:00:00),2")]
    [InlineData("encap(mpls),encap(ethernet),decap(),decap(packet_type(ns=0,type=0)),output:2", "add_mpls(label=0,tc=0,ttl=64,bos=1,eth_type=0x8847),push_eth(src=00:00:00:00:00:00,dst=00:00:00:00:00:00),pop_eth,pop_mpls(eth_type=0x6558),recirc(0x1)")]
    [InlineData("encap(mpls),decap(packet_type(ns=0,type=0)),output:2", "add_mpls(label=0,tc=0,ttl=64,bos=1,eth_type=0x8847),pop_mpls(eth_type=0x6558),recirc(0x1)")]
    [InlineData("clone(encap(mpls),encap(ethernet),output:2),output:3", "clone(add_mpls(label=0,tc=0,ttl=64,bos=1,eth_type=0x8847),push_eth(src=00:00:00:00:00:00,dst=00:00:00:00:00:00),2),3")]
    public void Actions_become_headers(string actions, string program)
    {
        using var bed = new PipelineBed($"ip,actions={actions}");
        Assert.Equal(program, bed.Actions(PipelineBed.Udp()));
        Assert.Equal(program, bed.Actions(PipelineBed.Udp()));
    }

    [Fact]
    public void A_bucket_with_headers_leaves_the_packet_of_the_next_alone()
    {
        using var bed = new PipelineBed("actions=group:1\ntable=1,actions=encap(mpls),encap(ethernet),output:2", "group_id=1,type=all,bucket=resubmit(,1),bucket=output:3");
        Assert.Equal("clone(add_mpls(label=0,tc=0,ttl=64,bos=1,eth_type=0x8847),push_eth(src=00:00:00:00:00:00,dst=00:00:00:00:00:00),2),3", bed.Actions(PipelineBed.Udp()));
        Assert.Null(bed.Result.Error);
    }

    /// <summary>As the original's log has it (mpls-xlate.at).</summary>
    [Theory]
    [InlineData("encap(mpls),set_field:1->mpls_label,encap(mpls),set_field:2->mpls_label,encap(mpls),set_field:3->mpls_label,encap(mpls),output:2", "1e2ce92a669e3a6dd2099cab080045000054", "mpls,in_port=1,vlan_tci=0x0000,dl_src=3a:6d:d2:09:9c:ab,dl_dst=1e:2c:e9:2a:66:9e,mpls_label=3,mpls_tc=0,mpls_ttl=64,mpls_bos=0,mpls_lse1=8256,mpls_lse2=4416")]
    [InlineData("decap(),decap(packet_type(ns=0,type=0)),output:2", "000000000002000000000001884700002040000020400000204000002040", "packet_type=(1,0x8847),in_port=1,mpls_label=2,mpls_tc=0,mpls_ttl=64,mpls_bos=0,mpls_lse1=8256,mpls_lse2=8256")]
    public void Too_many_labels_are_complained_of(string actions, string frame, string flow)
    {
        using var bed = new PipelineBed($"actions={actions}");
        List<TranslationComplaint> complaints = [];
        bed.Pipeline.Backer.Complained = complaints.Add;
        Assert.Equal("drop", bed.Actions(bed.Key(Convert.FromHexString(frame))));
        TranslationComplaint complaint = Assert.Single(complaints);
        Assert.EndsWith("more MPLS LSEs than the 3 supported.", complaint.Text, StringComparison.Ordinal);
        Assert.Equal(flow, TraceFlowText.Flow(complaint.Flow, new FlowTextFormatter(), complaint.PacketType));
    }

    /// <summary>A match of a header is one of Ethernet packets.</summary>
    [Fact]
    public void Rules_about_headers_do_not_match_what_has_no_Ethernet_header()
    {
        using var bed = new PipelineBed("table=0,ip,actions=decap,resubmit(,1)\ntable=1,priority=9,ip,actions=output:3\ntable=1,priority=5,in_port=1,actions=encap(ethernet),output:2\ntable=1,priority=1,actions=output:4");
        Assert.Equal("pop_eth,push_eth(src=00:00:00:00:00:00,dst=00:00:00:00:00:00),2", bed.Actions(PipelineBed.Udp()));
    }

    [Theory]
    [InlineData(OffloadMode.None)]
    [InlineData(OffloadMode.Soft)]
    [InlineData(OffloadMode.Nic)]
    public void A_frame_comes_out_as_it_went_in(OffloadMode mode)
    {
        using var bed = new Bench($"{Wrap}\n{Unwrap}", mode);
        byte[] frame = SampleFrames.UdpIpv4;
        for (int i = 0; i < 3; i++)
        {
            string wrapped = s_outer + Convert.ToHexString(frame);
            Assert.Equal($"2:{wrapped}", bed.Send(1, frame));
            Assert.Equal($"1:{Convert.ToHexString(frame)}", bed.Send(2, Convert.FromHexString(wrapped)));
        }
    }

    /// <summary>What is behind the label is parsed again without an Ethernet header, and gets one.</summary>
    [Fact]
    public void A_packet_without_an_Ethernet_header_goes_through_the_tables()
    {
        using var bed = new Bench("table=0,mpls,actions=decap,decap(packet_type(ns=1,type=0x0800)),resubmit(,1)\ntable=1,actions=encap(ethernet),mod_dl_dst:00:00:00:00:00:07,resubmit(,2)\ntable=2,ip,actions=mod_nw_ttl:9,output:1", OffloadMode.None);
        byte[] frame = SampleFrames.UdpIpv4;
        string packet = Convert.ToHexString(frame)[28..];
        string sent = bed.Send(2, Convert.FromHexString(s_outer + packet));
        Assert.StartsWith("1:0000000000070000000000000800", sent, StringComparison.Ordinal);
        Assert.Equal(packet.Length + 28 + 2, sent.Length);
        Assert.Equal("09", sent.Substring(2 + (2 * (14 + 8)), 2));
    }

    /// <summary>No frame, wherever it is cut off and whatever it says of labels, is more than dropped.</summary>
    [Fact]
    public void Frames_that_are_cut_off_do_no_harm()
    {
        using var bed = new Bench("in_port=1,actions=decap,encap(mpls),encap(ethernet),output:2\nin_port=2,priority=9,mpls,actions=decap,decap(packet_type(ns=0,type=0)),output:1\nin_port=3,mpls,actions=decap,decap(packet_type(ns=1,type=0x0800)),encap(ethernet),output:1", OffloadMode.None);
        byte[] whole = Convert.FromHexString(s_outer + Convert.ToHexString(SampleFrames.UdpIpv4));
        byte[] stack = Convert.FromHexString(s_outer[..28] + "00002040" + "00002040" + "00000000" + "00002140" + Convert.ToHexString(SampleFrames.UdpIpv4));
        foreach (byte[] frame in (byte[][])[whole, stack, SampleFrames.UdpIpv4])
        {
            for (int length = 0; length <= frame.Length; length++)
            {
                for (uint port = 1; port <= 3; port++)
                {
                    string sent = bed.Send(port, frame[..length]);
                    Assert.True(sent.Length == 0 || sent.Length >= 2 + 28, sent);
                }
            }
        }
    }

    [Theory]
    [InlineData("encap(mpls)")]
    [InlineData("encap(mpls_mc)")]
    [InlineData("encap(ethernet)")]
    [InlineData("decap()")]
    [InlineData("decap(packet_type(ns=0,type=0))")]
    [InlineData("decap(packet_type(ns=1,type=0x800))")]
    public void Text_and_wire_say_the_same(string action)
    {
        FlowMod mod = new FlowTextParser { TakesLayers = true }.ParseFlow($"actions={action}");
        Assert.Equal(action, new FlowTextFormatter().Format(mod.Actions[0]));
        OfFlowModMessage sent = new() { Kind = OfKind.FlowMod, Mod = mod };
        var come = (OfFlowModMessage)OfCodec.Decode(OfCodec.Encode(sent, OfVersion.V13));
        Assert.Equal(mod.Actions, come.Mod.Actions);
    }

    private sealed class Bench : IOutputSink, IDisposable
    {
        private readonly List<string> _sent = [];
        private readonly Simulator _simulator;
        private long _events;

        public Bench(string flows, OffloadMode mode)
        {
            _simulator = new Simulator(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3)], Offload = mode, BatchSize = 1, PacketCapacity = 64, FrameCapacityBytes = 2048 }, this);
            _simulator.ApplyFlowMods([.. new FlowTextParser { TakesLayers = true }.ParseFlows(flows)]);
        }

        public string Send(uint port, byte[] frame)
        {
            _sent.Clear();
            _simulator.Receive(port, frame, _events++);
            _simulator.Settle();
            return string.Join(' ', _sent);
        }

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => _sent.Add($"{port}:{Convert.ToHexString(frame)}");

        public void Dispose() => _simulator.Dispose();
    }
}
