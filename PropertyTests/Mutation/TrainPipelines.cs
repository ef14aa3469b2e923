namespace Mergeflow.PropertyTests;

/// <summary>Rules that trains are sent through: each makes other state of them.</summary>
internal static class TrainPipelines
{
    private const string Underlay = "out=1,addr=192.0.2.1,mac=02:00:00:00:01:01,gw_mac=02:00:00:00:02:02";

    private static readonly (uint, string)[] s_tunnels =
    [
        (10, $"type=vxlan,remote_ip=192.0.2.2,key=100,{Underlay}"),
        (13, "type=vxlan,remote_ip=2001:db8::2,key=100,out=1,addr=2001:db8::1,mac=02:00:00:00:01:01,gw_mac=02:00:00:00:02:02"),
    ];

    /// <summary>One zone, established traffic forwarded: what can be offloaded is.</summary>
    private static readonly string[] s_firewall =
    [
        "cookie=1,table=0,priority=9,ip actions=ct(table=1,zone=1)",
        "cookie=2,table=0,priority=9,ipv6 actions=ct(table=1,zone=1)",
        "cookie=3,table=0,priority=1 actions=output:3",
        "cookie=4,table=1,priority=9,ip,ct_state=+trk+new actions=ct(commit,zone=1,exec(load:1->NXM_NX_CT_MARK[])),output:3",
        "cookie=5,table=1,priority=9,ipv6,ct_state=+trk+new actions=ct(commit,zone=1),output:3",
        "cookie=6,table=1,priority=8,in_port=1,ct_state=+trk+est actions=output:2",
        "cookie=7,table=1,priority=7,ct_state=+trk+est actions=output:1",
        "cookie=8,table=1,priority=6,ct_state=+trk+rel actions=output:1,output:2",
        "cookie=9,table=1,priority=5,ct_state=+trk+inv actions=output:4",
    ];

    /// <summary>Two zones one behind the other, translation in the first, rewrites behind them, copies on the way.</summary>
    private static readonly string[] s_twice =
    [
        "cookie=1,table=0,priority=9,ip actions=ct(table=1,zone=1,nat)",
        "cookie=2,table=0,priority=9,ipv6 actions=ct(table=1,zone=1,nat)",
        "cookie=3,table=0,priority=1 actions=output:3",
        "cookie=4,table=1,priority=9,ip,in_port=1,ct_state=+trk+new actions=ct(commit,zone=1,nat(src=198.51.100.1-198.51.100.2:1024-1100),table=2)",
        "cookie=5,table=1,priority=9,ipv6,in_port=1,ct_state=+trk+new actions=ct(commit,zone=1,nat(src=fd00::77),table=2)",
        "cookie=6,table=1,priority=8,ip actions=ct(table=2,zone=2)",
        "cookie=7,table=1,priority=8,ipv6 actions=clone(ct(commit,zone=4),output:4),ct(table=2,zone=2)",
        "cookie=8,table=2,priority=9,ip,ct_state=+trk+new actions=ct(commit,zone=2),mod_nw_src:192.0.2.9,output:2,output:3",
        "cookie=9,table=2,priority=9,ipv6,ct_state=+trk+new actions=ct(commit,zone=2),set_field:fd00::9->ipv6_dst,output:2",
        "cookie=10,table=2,priority=8,udp actions=mod_tp_dst:99,output:1,output:2",
        "cookie=11,table=2,priority=7,ip,nw_frag=later actions=dec_ttl,push_vlan:0x8100,mod_vlan_vid:7,output:2",
        "cookie=12,table=2,priority=6 actions=check_pkt_larger(200)->NXM_NX_REG0[0],resubmit(,3)",
        "cookie=13,table=3,priority=9,reg0=1/1 actions=output:3",
        "cookie=14,table=3,priority=1 actions=output:4",
    ];

    private static readonly string[] s_gateways =
    [
        "cookie=1,table=0,priority=9,ip actions=ct(table=1,zone=1,nat)",
        "cookie=2,table=0,priority=9,ipv6 actions=ct(table=1,zone=1,nat)",
        "cookie=3,table=0,priority=1 actions=output:3",
        "cookie=4,table=1,priority=9,tcp,in_port=1,ct_state=+trk+new-rel actions=ct(commit,zone=1,alg=ftp,nat(src=198.51.100.101)),output:2",
        "cookie=5,table=1,priority=9,udp,in_port=1,ct_state=+trk+new-rel actions=ct(commit,zone=1,alg=tftp,nat(src=9.9.9.9)),output:2",
        "cookie=6,table=1,priority=9,tcp6,in_port=1,ct_state=+trk+new-rel actions=ct(commit,zone=1,alg=ftp,nat(src=fd00::1234)),output:2",
        "cookie=7,table=1,priority=9,udp6,in_port=1,ct_state=+trk+new-rel actions=ct(commit,zone=1,alg=tftp),output:2",
        "cookie=8,table=1,priority=8,ip,ct_state=+trk+new+rel actions=ct(commit,zone=1,nat),output:4",
        "cookie=9,table=1,priority=8,ipv6,ct_state=+trk+new+rel actions=ct(commit,zone=1,nat),output:4",
        "cookie=10,table=1,priority=7,ct_state=+trk+rel actions=output:4,output:1",
        "cookie=11,table=1,priority=6,in_port=1,ct_state=+trk+est actions=output:2",
        "cookie=12,table=1,priority=5,ct_state=+trk+est actions=output:1",
        "cookie=13,table=1,priority=4,ct_state=+trk+inv actions=output:3",
    ];

    private static readonly string[] s_tunnelled =
    [
        "cookie=1,table=0,priority=90,ip,in_port=10 actions=ct(table=1,zone=1,nat)",
        "cookie=2,table=0,priority=90,ipv6,in_port=13 actions=ct(table=1,zone=1)",
        "cookie=3,table=0,priority=80,ip,in_port=13 actions=ct(table=1,zone=1)",
        "cookie=4,table=0,priority=80,ipv6,in_port=10 actions=ct(table=1,zone=2)",
        "cookie=5,table=0,priority=70,ip actions=ct(table=1,zone=3)",
        "cookie=6,table=0,priority=70,ipv6 actions=ct(table=1,zone=3)",
        "cookie=7,table=0,priority=1 actions=output:3,output:4",
        "cookie=8,table=1,priority=9,ip,ct_state=+trk+new actions=ct(commit,zone=1,nat(src=198.51.100.1)),output:10,output:2",
        "cookie=9,table=1,priority=9,ipv6,ct_state=+trk+new actions=ct(commit,zone=2),output:13,output:2",
        "cookie=10,table=1,priority=8,ct_state=+trk+est actions=output:2,output:10",
        "cookie=11,table=1,priority=7 actions=output:4",
    ];

    /// <summary>No conntrack: what fragments match and how they are rewritten.</summary>
    private static readonly string[] s_stateless =
    [
        "cookie=1,table=0,priority=90,ip,nw_frag=later actions=mod_nw_src:192.0.2.3,mod_nw_tos:16,output:2",
        "cookie=2,table=0,priority=90,ip,nw_frag=first actions=mod_nw_dst:192.0.2.4,dec_ttl,output:3",
        "cookie=3,table=0,priority=80,ipv6,nw_frag=yes actions=set_field:fd00::8->ipv6_src,set_field:fd00::9->ipv6_dst,output:2",
        "cookie=4,table=0,priority=70,udp actions=mod_tp_src:7,mod_tp_dst:9,output:2,push_vlan:0x88a8,output:3",
        "cookie=5,table=0,priority=70,tcp actions=mod_nw_src:192.0.2.3,mod_tp_dst:9,output:2",
        "cookie=6,table=0,priority=70,udp6 actions=set_field:fd00::8->ipv6_src,mod_tp_src:7,output:2,output(port=3,max_len=70)",
        "cookie=7,table=0,priority=60,icmp6 actions=set_field:fd00::8->ipv6_dst,set_field:1->icmpv6_code,output:2",
        "cookie=8,table=0,priority=1 actions=output:1,output:2",
    ];

    /// <summary>All pipelines, without events.</summary>
    public static IReadOnlyList<FuzzCase> All { get; } =
    [
        Of("firewall", s_firewall), Of("twice", s_twice), Of("gateways", s_gateways), Of("stateless", s_stateless),
        Of("tunnelled", s_tunnelled) with { Ports = [1, 2, 3, 4, 10, 13], Tunnels = s_tunnels },
    ];

    private static FuzzCase Of(string name, string[] flows) => new(name, [1, 2, 3, 4], flows, [], []);
}
