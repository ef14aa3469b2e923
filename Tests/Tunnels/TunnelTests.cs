using Xunit;
using static Mergeflow.Tests.TunnelBed;
using static Mergeflow.Tests.TunnelFrames;

namespace Mergeflow.Tests;

/// <summary>Tunnel ports end to end: real frames encapsulated and decapsulated by a whole switch, with and without offload.</summary>
public sealed class TunnelTests
{
    public static TheoryData<OffloadMode> Modes => [OffloadMode.None, OffloadMode.Soft, OffloadMode.Nic];

    [Theory]
    [InlineData("type=vxlan,remote_ip=192.0.2.2,key=100", Vxlan)]
    [InlineData("type=geneve,remote_ip=192.0.2.2,key=0xabcdef", Geneve)]
    [InlineData("type=gre,remote_ip=192.0.2.2,key=0x1234", GreKey)]
    [InlineData("type=gre,remote_ip=192.0.2.2", GrePlain)]
    [InlineData("type=gre,remote_ip=192.0.2.2,key=0x1234,csum=true", GreChecksum)]
    [InlineData("type=gre,remote_ip=192.0.2.2,out_key=0x1234,in_key=flow,csum=true", GreChecksum)]
    public void A_frame_to_a_tunnel_port_leaves_encapsulated(string tunnel, string expected)
    {
        using var bed = new TunnelBed("in_port=2 actions=output:t10", OffloadMode.None, $"{tunnel},{Underlay}");
        Assert.Equal($"1:{expected}", bed.Send(2, Inner));
        Assert.Equal($"1:{expected}", bed.Send(2, Inner));
        Assert.Equal(2ul, bed.Simulator.Datapath.Pmd.Ports.CountersOf(10).Packets);
        Assert.Equal(2ul * (ulong)(Inner.Length / 2), bed.Simulator.Datapath.Pmd.Ports.CountersOf(10).Bytes);
    }

    /// <summary>The one option that there is a field for is read, and sent by whoever writes the field or has got it with the packet (OVN's ports).</summary>
    [Fact]
    public void A_Geneve_option_comes_and_goes_with_its_field()
    {
        using var bed = new TunnelBed("", OffloadMode.None, $"type=geneve,remote_ip=192.0.2.2,key=flow,{Underlay}");
        bed.Simulator.Pipeline.SetOption(new GeneveOption(0x102, 0x80, 4));
        bed.Mod("table=0,priority=9,in_port=t10,tun_id=0xabcdef actions=move:NXM_NX_TUN_METADATA0[16..31]->NXM_NX_REG1[0..15],resubmit(,1)",
            "table=1,reg1=0x1122 actions=output:p3",
            "table=0,in_port=p2 actions=set_field:0xabcdef->tun_id,set_field:0x3344->tun_metadata0,load:0x1122->NXM_NX_REG2[],move:NXM_NX_REG2[0..15]->NXM_NX_TUN_METADATA0[16..31],output:t10",
            "table=0,in_port=p3 actions=set_field:0xabcdef->tun_id,output:t10");
        Assert.Equal($"3:{Inner}", bed.Send(1, GeneveInWithOptions));
        string sent = bed.Send(2, Inner);
        Assert.Contains("02406558abcdef000102800111223344" + Inner, sent, StringComparison.Ordinal);
        Assert.Contains("00006558abcdef00" + Inner, bed.Send(3, Inner), StringComparison.Ordinal);
    }

    /// <summary>RFC 8926, 3.5: who does not know a critical option drops the packet; Open vSwitch does (<c>tun_metadata_from_geneve__</c>).</summary>
    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0x102, 0x80, 8)]
    [InlineData(0x103, 0x80, 4)]
    public void A_critical_option_that_is_not_known_drops_the_packet(ushort @class, byte type, byte lengthBytes)
    {
        using var bed = new TunnelBed("in_port=t10 actions=output:p3", OffloadMode.None, $"type=geneve,remote_ip=192.0.2.2,key=flow,{Underlay}");
        bed.Simulator.Pipeline.SetOption(new GeneveOption(@class, type, lengthBytes));
        Assert.Equal("", bed.Send(1, GeneveInWithOptions));
    }

    [Theory]
    [InlineData("type=vxlan,remote_ip=192.0.2.2,key=100", VxlanIn, 100u)]
    [InlineData("type=vxlan,remote_ip=192.0.2.2,key=100", VxlanInWithChecksum, 100u)]
    [InlineData("type=gre,remote_ip=192.0.2.2,key=flow", GreInWithAll, 0x1234u)]
    public void An_encapsulated_frame_arrives_on_the_tunnel_port(string tunnel, string frame, uint key)
    {
        using var bed = new TunnelBed(
            $"priority=9,in_port=t10,tun_id={key},tun_src=192.0.2.2,tun_dst=192.0.2.1,udp,tp_dst=53 actions=output:p3\nin_port=p1 actions=output:p2",
            OffloadMode.None,
            $"{tunnel},{Underlay}");
        Assert.Equal($"3:{Inner}", bed.Send(1, frame));
        Assert.Equal($"3:{Inner}", bed.Send(1, frame));
    }

    [Fact]
    public void IPv6_carries_it_too_and_always_with_a_checksum()
    {
        using var bed = new TunnelBed("in_port=2 actions=output:t10\nin_port=t10,tun_ipv6_src=2001:db8::2 actions=output:p3", OffloadMode.None, $"type=vxlan,remote_ip=2001:db8::2,key=100,{Underlay6}");
        Assert.Equal($"3:{Inner}", bed.Send(1, Vxlan6In));
        Assert.Equal($"1:{Vxlan6}", bed.Send(2, Inner));
    }

    [Fact]
    public void Key_and_addresses_come_from_the_flow()
    {
        using var bed = new TunnelBed(
            "in_port=2 actions=set_tunnel:100,set_field:192.0.2.2->tun_dst,output:t10\nin_port=3 actions=set_tunnel:100,output:t10",
            OffloadMode.None,
            $"type=vxlan,remote_ip=flow,local_ip=flow,key=flow,{Underlay}");
        Assert.Equal($"1:{Vxlan}", bed.Send(2, Inner));
        Assert.Equal("", bed.Send(3, Inner));
    }

    [Fact]
    public void Source_address_comes_from_the_flow_where_the_port_says_so()
    {
        using var bed = new TunnelBed("in_port=2 actions=set_field:192.0.2.77->tun_src,output:t10,output:t11", OffloadMode.None,
            $"type=gre,remote_ip=192.0.2.2,local_ip=flow,{Underlay}", $"type=gre,remote_ip=192.0.2.2,{Underlay}");
        string[] sent = bed.Send(2, Inner).Split(' ');
        Assert.Equal("c000024d", sent[0].Substring(2 + 52, 8));
        Assert.Equal($"1:{GrePlain}", sent[1]);
    }

    [Fact]
    public void What_the_list_does_after_an_encapsulating_output_is_done_to_the_inner_packet()
    {
        using var bed = new TunnelBed("in_port=2 actions=output:t10,mod_dl_dst:02:00:00:00:00:99,output:p3", OffloadMode.None, $"type=vxlan,remote_ip=192.0.2.2,key=100,{Underlay}");
        Assert.Equal($"1:{Vxlan} 3:020000000099{Inner[12..]}", bed.Send(2, Inner));
    }

    [Fact]
    public void Rewrites_before_the_output_and_truncation_act_on_the_inner_packet()
    {
        using var bed = new TunnelBed("in_port=2 actions=mod_dl_dst:02:00:00:00:00:99,output(port=t10,max_len=20),output:p3", OffloadMode.None, $"type=gre,remote_ip=192.0.2.2,{Underlay}");
        string inner = "020000000099" + Inner[12..];
        string[] sent = bed.Send(2, Inner).Split(' ');
        Assert.EndsWith("00006558" + inner[..40], sent[0]);
        Assert.Equal($"3:{inner}", sent[1]);
    }

    [Theory]
    [InlineData("", "00")]
    [InlineData(",tos=0x28", "28")]
    [InlineData(",tos=inherit", "b8")]
    public void Outer_TOS_is_configured_or_inherited_and_ECN_is_always_inherited(string option, string tos)
    {
        using var bed = new TunnelBed("ip,in_port=2 actions=mod_nw_tos:184,output:t10\nip,in_port=3 actions=mod_nw_ecn:2,output:t10", OffloadMode.None, $"type=gre,remote_ip=192.0.2.2{option},{Underlay}");
        Assert.Equal(tos, bed.Send(2, Inner).Substring(2 + 30, 2));
        Assert.Equal(option == ",tos=0x28" ? "2a" : "02", bed.Send(3, Inner).Substring(2 + 30, 2));
    }

    [Theory]
    [InlineData(0x02, "3:03")]
    [InlineData(0x01, "3:03")]
    [InlineData(0x00, "")]
    public void Congestion_outside_is_told_inside_or_the_packet_goes(byte innerTos, string result)
    {
        using var bed = new TunnelBed("in_port=t10 actions=output:p3", OffloadMode.None, $"type=gre,remote_ip=192.0.2.2,{Underlay}");
        byte[] frame = Convert.FromHexString(GreIn(0x03));
        frame[38 + 15] = innerTos;
        string sent = bed.Send(1, Convert.ToHexString(frame));
        Assert.Equal(result, sent.Length == 0 ? "" : $"3:{sent.Substring(2 + 30, 2)}");
    }

    [Fact]
    public void Outer_TTL_is_inherited_where_the_port_says_so()
    {
        using var bed = new TunnelBed("ip,in_port=2 actions=mod_nw_ttl:7,output:t10,output:t11", OffloadMode.None, $"type=gre,remote_ip=192.0.2.2,ttl=inherit,{Underlay}", $"type=gre,remote_ip=192.0.2.2,ttl=9,{Underlay}");
        string[] sent = bed.Send(2, Inner).Split(' ');
        Assert.Equal(("07", "09"), (sent[0].Substring(2 + 44, 2), sent[1].Substring(2 + 44, 2)));
    }

    [Fact]
    public void The_most_specific_port_gets_the_packet()
    {
        using var bed = new TunnelBed(
            "in_port=t10 actions=output:p2\nin_port=t11 actions=output:p3\nin_port=t12 actions=output:p2,output:p3",
            OffloadMode.None,
            $"type=vxlan,remote_ip=flow,key=flow,{Underlay}",
            $"type=vxlan,remote_ip=192.0.2.2,key=flow,{Underlay}",
            $"type=vxlan,remote_ip=flow,key=7,{Underlay}");
        Assert.Equal($"3:{Inner}", bed.Send(1, VxlanIn));
        Assert.Equal($"2:{Inner} 3:{Inner}", bed.Send(1, VxlanIn.Replace("0000000000006400", "0800000000000700", StringComparison.Ordinal).Replace("0800000000006400", "0800000000000700", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("another key", "0800000000006400", "0800000000006500")]
    [InlineData("reserved flag", "0800000000006400", "0900000000006400")]
    [InlineData("wrong checksum of the IPv4 header", "b692c0000202", "b693c0000202")]
    [InlineData("cut VXLAN header", "9c4012b500430000", "9c4012b500090000")]
    public void What_is_no_packet_of_the_tunnel_goes(string what, string old, string changed)
    {
        using var bed = new TunnelBed("in_port=t10 actions=output:p3", OffloadMode.None, $"type=vxlan,remote_ip=192.0.2.2,key=100,{Underlay}");
        string frame = VxlanIn.Replace(old, changed, StringComparison.Ordinal);
        if (what.StartsWith("cut", StringComparison.Ordinal)) frame = frame[..(2 * 44)].Replace("45000057", "4500001e", StringComparison.Ordinal).Replace("b692", "b6cb", StringComparison.Ordinal);
        Assert.NotEqual(VxlanIn, frame);
        Assert.Equal("", bed.Send(1, frame));
        Assert.Equal($"3:{Inner}", bed.Send(1, VxlanIn));
    }

    /// <summary>Other traffic of the underlay goes to the tables as before: another address, another port, a fragment, a tag, plain TCP.</summary>
    [Theory]
    [InlineData("020000000101", "020000000103")]
    [InlineData("c00002019c40", "c00002039c40")]
    [InlineData("9c4012b5", "9c4012b6")]
    [InlineData("00004000", "00002000")]
    [InlineData("4011", "4006")]
    [InlineData("0800450000", "8100000508004500")]
    public void Other_traffic_on_the_underlay_is_left_alone(string old, string changed)
    {
        using var bed = new TunnelBed("in_port=p1 actions=output:p2\nin_port=t10 actions=output:p3", OffloadMode.None, $"type=vxlan,remote_ip=192.0.2.2,key=100,{Underlay}");
        int at = VxlanIn.IndexOf(old, StringComparison.Ordinal);
        string frame = VxlanIn[..at] + changed + VxlanIn[(at + old.Length)..];
        Assert.StartsWith("2:", bed.Send(1, frame));
        Assert.Equal($"3:{Inner}", bed.Send(1, VxlanIn));
        Assert.StartsWith("2:", bed.Send(1, frame));
    }

    /// <summary>Conntrack after decapsulation: the packet comes back with the tunnel's port and metadata.</summary>
    [Theory]
    [MemberData(nameof(Modes))]
    public void Tunnel_metadata_outlive_conntrack(OffloadMode mode)
    {
        using var bed = new TunnelBed(
            """
            in_port=t10,udp actions=ct(table=1,zone=5)
            in_port=p3,udp actions=ct(table=1,zone=5)
            table=1,priority=5,in_port=t10,tun_id=100,ct_state=+trk+new,udp actions=ct(commit,zone=5),output:p3
            table=1,priority=4,in_port=t10,tun_id=100,ct_state=+trk+est,udp actions=output:p3
            table=1,priority=3,in_port=p3,ct_state=+trk+est+rpl,udp actions=set_tunnel:100,output:t10
            """,
            mode,
            $"type=vxlan,remote_ip=192.0.2.2,key=flow,{Underlay}");
        string answer = "02000000000a02000000000b08004500002500000000401166c60a0000020a000001003503e80011bf096d65726765666c6f77";
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal($"3:{Inner}", bed.Send(1, VxlanIn));
            Assert.EndsWith("0800000000006400" + answer, bed.Send(3, answer));
        }

        Assert.Equal(5, Assert.Single(bed.Simulator.Report().Connections).Zone);
    }

    /// <summary>A NIC does not encapsulate: such traces are refused by name, and what leaves is the same. The soft device does.</summary>
    [Theory]
    [InlineData(OffloadMode.Soft)]
    [InlineData(OffloadMode.Nic)]
    public void Traces_through_a_tunnel_are_merged_or_refused_with_a_reason(OffloadMode mode)
    {
        using var bed = new TunnelBed("in_port=2 actions=output:t10\nin_port=t10 actions=output:p3\nin_port=3 actions=output:2", mode, $"type=vxlan,remote_ip=192.0.2.2,key=100,{Underlay}");
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal($"1:{Vxlan}", bed.Send(2, Inner));
            Assert.Equal($"3:{Inner}", bed.Send(1, VxlanIn));
            Assert.Equal($"2:{Inner}", bed.Send(3, Inner));
        }

        OffloadThread offload = bed.Simulator.Datapath.Offload!;
        Assert.Equal(mode == OffloadMode.Soft ? 3ul : 1ul, bed.Simulator.Report().Offloaded);
        string[] expected = mode == OffloadMode.Soft ? [] : ["tnl_pop", "tnl_push"];
        Assert.Equal(expected, offload.Pmds[0].Refusals.All().Select(r => r.Detail).Distinct().Order(StringComparer.Ordinal));
        if (mode != OffloadMode.Soft) return;
        Assert.InRange(bed.Simulator.Report().OffloadHits, 9ul, 12ul);

        // Each packet is counted for the port that it went by, by rule or not.
        Assert.Equal(5ul, bed.Simulator.Datapath.Pmd.Ports.CountersOf(10).Packets);
        PortTable ports = bed.Simulator.Datapath.Pmd.Ports;
        Assert.Equal(0ul, offload.Pmds[0].Refused.Packets(OffloadReason.UnsupportedAction));
        Assert.Equal((ulong)(5 * Inner.Length / 2), ports.CountersOf(10).Bytes);
    }

    /// <summary>What is matched of the outer header is in the rule: packets of another peer, key, option or congestion mark do not take it.</summary>
    [Fact]
    public void A_merged_rule_pins_what_was_read_of_the_tunnel()
    {
        using var bed = new TunnelBed("in_port=t10,tun_id=100 actions=output:p3\nin_port=t10,tun_id=101 actions=output:p2", OffloadMode.Soft, $"type=vxlan,remote_ip=192.0.2.2,key=flow,{Underlay}");
        string other = VxlanIn.Replace("00006400", "00006500", StringComparison.Ordinal);
        Assert.NotEqual(VxlanIn, other);
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal($"3:{Inner}", bed.Send(1, VxlanIn));
            Assert.Equal($"2:{Inner}", bed.Send(1, other));
        }

        Assert.Equal(2ul, bed.Simulator.Report().Offloaded);
        Assert.True(bed.Simulator.Report().OffloadHits >= 4);

        // Without the tunnel there is no way, also for those that have a rule.
        bed.Simulator.Datapath.Ports.SetTunnel(10, null, 0);
        Assert.Equal("", bed.Send(1, VxlanIn));
    }

    [Fact]
    public void A_tunnel_port_that_is_gone_takes_nothing()
    {
        using var bed = new TunnelBed("in_port=2 actions=output:t10\nin_port=t10 actions=output:p3", OffloadMode.None, $"type=vxlan,remote_ip=192.0.2.2,key=100,{Underlay}");
        bed.Simulator.SetPort(10, exists: false);
        Assert.Equal(("", ""), (bed.Send(2, Inner), bed.Send(1, VxlanIn)));
        bed.Simulator.SetPort(10, exists: true);
        Assert.Equal(($"1:{Vxlan}", $"3:{Inner}"), (bed.Send(2, Inner), bed.Send(1, VxlanIn)));
    }

    [Theory]
    [InlineData("type=stt,remote_ip=1.1.1.1", "type stt: expected vxlan, geneve or gre", 6)]
    [InlineData("type=vxlan", "tunnel option remote_ip is missing", 1)]
    [InlineData("type=vxlan,remote_ip=1.1.1.1,key=16777216", "16777216: expected a number in 0..16777215", 34)]
    [InlineData("type=vxlan,remote_ip=1.1.1.1,colour=red", "colour: unknown tunnel option", 30)]
    [InlineData("type=vxlan,remote_ip=2001:db8::2", "2001:db8::2: not of the family of addr", 22)]
    [InlineData("type=gre,remote_ip=1.1.1,key=1", "1.1.1: invalid IP address", 20)]
    public void Bad_options_are_named(string options, string message, int column)
    {
        var parser = new TunnelPortParser(new PortNames(new Dictionary<string, uint> { ["p1"] = 1 }));
        FlowTextException e = Assert.Throws<FlowTextException>(() => parser.Parse(10, options.StartsWith("type=vxlan", StringComparison.Ordinal) && !options.Contains("remote", StringComparison.Ordinal) ? $"{options},{Underlay}" : $"{options},{Underlay}"));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.Equal(column, e.Column);
    }

    private static string GreIn(byte tos) => Convert.ToHexStringLower(WithTos(Convert.FromHexString("020000000101" + "020000000202" + GrePlain[24..52] + "c0000202c0000201" + "00006558" + Inner), tos));

    private static byte[] WithTos(byte[] frame, byte tos)
    {
        frame[15] = tos;
        NicFrame.SetIpv4Checksum(frame);
        return frame;
    }
}
