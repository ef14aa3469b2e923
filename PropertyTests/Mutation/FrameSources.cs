using System.Text.Json;

namespace Mergeflow.PropertyTests;

/// <summary>Where mutated frames come from: every recorded case, every found counter-example, and pipelines that do everything at once.</summary>
internal static class FrameSources
{
    /// <summary>Rules that send any frame through many kinds of action.</summary>
    private static readonly (string Name, string[] Flows)[] s_pipelines =
    [
        ("translate",
        [
            "cookie=1,table=0,priority=100,ip,in_port=1 actions=dec_ttl,ct(table=1,zone=1,nat)",
            "cookie=2,table=0,priority=100,ip,in_port=2 actions=ct(table=1,zone=1,nat)",
            "cookie=3,table=0,priority=90,ip actions=mod_dl_src:02:00:00:00:00:aa,ct(table=2,zone=2)",
            "cookie=4,table=0,priority=90,ipv6 actions=mod_nw_tos:32,ct(table=1,zone=3,nat)",
            "cookie=5,table=0,priority=1 actions=output:1,output:2,output:3",
            "cookie=6,table=1,priority=50,ip,ct_state=+trk+new,in_port=1 actions=ct(commit,table=3,zone=1,nat(src=198.51.100.1-198.51.100.3:1024-1100),exec(load:1->NXM_NX_CT_MARK[]))",
            "cookie=7,table=1,priority=50,ip,ct_state=+trk+new actions=ct(commit,table=3,zone=1,nat(dst=10.0.0.9))",
            "cookie=8,table=1,priority=50,ipv6,ct_state=+trk+new actions=ct(commit,table=3,zone=3,nat(src=fd00::77))",
            "cookie=9,table=1,priority=40,ct_state=+trk+est actions=resubmit(,3)",
            "cookie=10,table=1,priority=41,ip,ct_state=+trk+rel actions=ct(table=3,zone=4,nat)",
            "cookie=11,table=1,priority=30,ct_state=+trk+inv actions=output:4",
            "cookie=12,table=2,priority=50,ct_state=+trk+new,ip actions=ct(commit,zone=2),output:3",
            "cookie=13,table=2,priority=40 actions=ct_clear,resubmit(,3)",
            "cookie=14,table=3,priority=50,tcp actions=mod_tp_dst:8080,push_vlan:0x8100,mod_vlan_vid:5,output:3,pop_vlan,output:4",
            "cookie=15,table=3,priority=50,udp actions=mod_tp_src:5353,mod_nw_src:192.0.2.1,output:3,output:4",
            "cookie=16,table=3,priority=50,icmp actions=set_field:3->icmp_type,output:4",
            "cookie=17,table=3,priority=50,icmp6,icmp_type=135,icmp_code=0 actions=set_field:fd00::5->nd_target,output:4",
            "cookie=18,table=3,priority=50,tcp6 actions=set_field:fd00::6->ipv6_dst,mod_tp_src:99,output:1,output:4",
            "cookie=19,table=3,priority=20,ip actions=mod_nw_dst:192.0.2.2,output:3,output:1",
            "cookie=20,table=3,priority=1 actions=output:2,output:3",
        ]),
        ("rewrite",
        [
            "cookie=1,table=0,priority=100,arp actions=set_field:10.9.9.9->arp_tpa,set_field:02:00:00:00:00:99->arp_sha,output:2,in_port",
            "cookie=2,table=0,priority=100,mpls actions=dec_mpls_ttl,output:2,pop_mpls:0x0800,output:3",
            "cookie=3,table=0,priority=100,mplsm actions=push_mpls:0x8848,set_field:7->mpls_label,output:2",
            "cookie=4,table=0,priority=90,ip,nw_frag=later actions=mod_nw_tos:16,output:2",
            "cookie=5,table=0,priority=90,ip,nw_frag=first actions=dec_ttl,output:3",
            "cookie=6,table=0,priority=80,ip,dl_vlan=5 actions=strip_vlan,push_mpls:0x8847,set_field:9->mpls_label,output:2,push_vlan:0x88a8,output:3",
            "cookie=7,table=0,priority=70,tcp actions=set_field:1->ip_ecn,mod_nw_src:192.0.2.3,mod_nw_dst:192.0.2.4,mod_tp_src:1,mod_tp_dst:2,output:2",
            "cookie=8,table=0,priority=70,udp actions=mod_nw_src:192.0.2.3,mod_tp_src:1,check_pkt_larger(100)->NXM_NX_REG0[0],resubmit(,1)",
            "cookie=9,table=0,priority=70,sctp actions=mod_nw_ttl:9,output:2",
            "cookie=10,table=0,priority=60,tcp6 actions=dec_ttl,set_field:fd00::8->ipv6_src,mod_tp_dst:7,output:2",
            "cookie=11,table=0,priority=60,udp6 actions=set_field:fd00::8->ipv6_dst,mod_tp_dst:7,output:2,output(port=3,max_len=70)",
            "cookie=12,table=0,priority=60,icmp6 actions=set_field:fd00::8->ipv6_dst,set_field:1->icmpv6_code,output:2",
            "cookie=13,table=0,priority=50,ip actions=mod_nw_src:192.0.2.3,mod_nw_tos:8,push_vlan:0x8100,push_vlan:0x8100,output:2,output:3",
            "cookie=14,table=0,priority=1 actions=push_vlan:0x88a8,mod_vlan_pcp:3,output:2,clone(strip_vlan,output:3),output:4",
            "cookie=15,table=1,priority=10,reg0=1/1 actions=output:3",
            "cookie=16,table=1,priority=1 actions=output:4",
        ]),
    ];

    private const string Underlay = "out=1,addr=192.0.2.1,mac=02:00:00:00:01:01,gw_mac=02:00:00:00:02:02";
    private const string Inner = "02000000000b02000000000a08004500002500000000401166c60a0000010a00000203e800350011bf096d65726765666c6f77";

    private static readonly (uint, string)[] s_tunnels =
    [
        (10, $"type=vxlan,remote_ip=192.0.2.2,key=flow,csum=true,tos=inherit,ttl=inherit,{Underlay}"),
        (11, $"type=geneve,remote_ip=flow,key=flow,{Underlay}"),
        (12, $"type=gre,remote_ip=192.0.2.2,key=flow,csum=true,{Underlay}"),
        (13, "type=vxlan,remote_ip=2001:db8::2,key=100,out=1,addr=2001:db8::1,mac=02:00:00:00:01:01,gw_mac=02:00:00:00:02:02"),
    ];

    /// <summary>Out of one tunnel and into others, by way of conntrack.</summary>
    private static readonly string[] s_tunnelFlows =
    [
        "cookie=1,table=0,priority=90,ip,in_port=10 actions=ct(table=1,zone=1)",
        "cookie=2,table=0,priority=80,in_port=10 actions=output:2,output:12",
        "cookie=3,table=0,priority=80,in_port=11,tun_id=0xabcdef actions=set_tunnel:7,set_field:192.0.2.9->tun_dst,output:3,output:11,output:10",
        "cookie=4,table=0,priority=80,in_port=12 actions=push_vlan:0x8100,output:10,output(port=13,max_len=60)",
        "cookie=5,table=0,priority=80,in_port=13 actions=output:2",
        "cookie=6,table=0,priority=70,ip,in_port=2 actions=dec_ttl,mod_nw_src:192.0.2.77,output:10,output:12,output:13",
        "cookie=7,table=0,priority=1 actions=output:3,output:4",
        "cookie=8,table=1,priority=9,ip,ct_state=+trk+new actions=ct(commit,zone=1,nat(src=198.51.100.1)),output:10,output:2",
        "cookie=9,table=1,priority=8 actions=set_tunnel:9,output:12,output:3",
    ];

    /// <summary>VXLAN, VXLAN with a checksum, Geneve with options, GRE with everything, VXLAN over IPv6 (see TunnelFrames of the example tests).</summary>
    private static readonly string[] s_tunnelFrames =
    [
        "020000000101020000000202080045000057000040004011b692c0000202c00002019c4012b5004300000800000000006400" + Inner,
        "020000000101020000000202080045000057000040004011b692c0000202c00002019c4012b50043687e0800000000006400" + Inner,
        "02000000010102000000020208004500005f000040004011b68ac0000202c00002019c4017c1004b07d202006558abcdef000102800111223344" + Inner,
        "02000000010102000000020208004500005700004000402fb674c0000202c0000201b0006558e07b00000000123400000007" + Inner,
        "02000000010102000000020286dd600000000043114020010db800000000000000000000000220010db80000000000000000000000019c4012b50043910d0800000000006400" + Inner,
    ];

    private static readonly string[] s_gatewayFlows =
    [
        "cookie=1,table=0,priority=9,tcp actions=ct(table=1,zone=1,nat)",
        "cookie=2,table=0,priority=9,udp actions=ct(table=1,zone=1,nat)",
        "cookie=3,table=0,priority=1 actions=output:3",
        "cookie=4,table=1,priority=9,tcp,in_port=1,ct_state=+trk+new-rel actions=ct(commit,zone=1,alg=ftp,nat(src=198.51.100.101)),output:2",
        "cookie=5,table=1,priority=9,udp,in_port=1,ct_state=+trk+new-rel actions=ct(commit,zone=1,alg=tftp,nat(src=9.9.9.9)),output:2",
        "cookie=6,table=1,priority=8,ip,ct_state=+trk+new+rel actions=ct(commit,zone=1,nat),output:4",
        "cookie=7,table=1,priority=7,ip,ct_state=+trk+est+rel actions=output:4",
        "cookie=8,table=1,priority=6,ip,in_port=1,ct_state=+trk+est actions=output:2",
        "cookie=9,table=1,priority=5,ip,ct_state=+trk+est actions=output:1",
        "cookie=10,table=1,priority=4,ip,ct_state=+trk+inv actions=output:3",
    ];

    /// <summary>An FTP dialog with an active and a passive transfer behind NAT, and the begin of a TFTP transfer.</summary>
    private static IEnumerable<FuzzEvent> Gateway()
    {
        var client = new FrameSpec { Src = 0x0a000001, Dst = 0x0a000002, Proto = 6, SrcPort = 4000, DstPort = 21, TcpFlags = 24 };
        FrameSpec server = client with { Src = 0x0a000002, Dst = 0xc6336465, SrcPort = 21, DstPort = 4000 };
        FrameSpec data = server with { SrcPort = 20, DstPort = 40001, TcpFlags = 2 };
        (uint Port, FrameSpec Frame)[] dialog =
        [
            (1, client with { TcpFlags = 2, Seq = 100 }), (2, server with { TcpFlags = 18, Seq = 500, Ack = 101 }), (1, client with { TcpFlags = 16, Seq = 101, Ack = 501 }),
            (1, client with { Seq = 101, Ack = 501, Payload = "PORT 10,0,0,1,156,65\r\n"u8.ToArray() }), (2, server with { Seq = 501, Ack = 129, Payload = "200 PORT command successful.\r\n"u8.ToArray() }),
            (2, data with { Seq = 9 }), (1, client with { SrcPort = 40001, DstPort = 20, TcpFlags = 18, Seq = 5, Ack = 10 }), (2, data with { TcpFlags = 16, Seq = 10, Ack = 6 }),
            (2, server with { Seq = 531, Ack = 129, Payload = "227 Entering Passive Mode (10,0,0,2,200,10).\r\n"u8.ToArray() }),
            (1, client with { SrcPort = 4005, DstPort = 51210, TcpFlags = 2, Seq = 7 }), (1, client with { Seq = 123, Ack = 577, Payload = "QUIT\r\n"u8.ToArray() }),
            (1, client with { Proto = 17, SrcPort = 5000, DstPort = 69, Payload = [0, 1, 97, 0] }), (2, client with { Proto = 17, Src = 0x0a000002, Dst = 0x09090909, SrcPort = 33000, DstPort = 5000 }),
        ];
        return dialog.Select(d => new FuzzEvent(0, FuzzOp.Packet) { Port = d.Port, Frame = FrameWriter.Write(d.Frame) });
    }

    /// <summary>All sources; a source's events are in order.</summary>
    public static IReadOnlyList<FuzzCase> All()
    {
        string cases = DataFolders.Cases, corpus = DataFolders.Corpus;
        List<FuzzCase> sources =
        [
            // Where normal is, an address that two ports claim belongs to the one that was counted last, and a device counts at other times.
            .. Directory.EnumerateDirectories(cases).Order(StringComparer.Ordinal).Select(d => Recorded(d)).Where(c => !c.Learns),
            .. Directory.EnumerateDirectories(corpus).Order(StringComparer.Ordinal).Select(d => CaseDirectory.Read(d)),
        ];
        List<FuzzEvent> mixed = [.. sources.SelectMany(s => s.Events.Where(e => e.Op == FuzzOp.Packet).Take(60)).Select(e => e with { TimeMs = 0, Port = 1 + (e.Port % 4) })];
        foreach ((string name, string[] flows) in s_pipelines) sources.Add(new FuzzCase(name, [1, 2, 3, 4], flows, [], mixed));
        IEnumerable<FuzzEvent> encapsulated = s_tunnelFrames.Select(f => new FuzzEvent(0, FuzzOp.Packet) { Port = 1, Frame = Convert.FromHexString(f) });
        List<FuzzEvent> tunnelled = [.. mixed.Chunk(3).SelectMany(c => encapsulated.Concat(c))];
        sources.Add(new FuzzCase("tunnels", [1, 2, 3, 4, 10, 11, 12, 13], s_tunnelFlows, [], tunnelled) { Tunnels = s_tunnels });
        sources.Add(new FuzzCase("gateways", [1, 2, 3, 4], s_gatewayFlows, [], [.. Enumerable.Repeat(0, 20).SelectMany(_ => Gateway())]) { ChecksSequence = false });
        return sources;
    }

    private static FuzzCase Recorded(string directory)
    {
        var recorded = new RecordedCase(Path.GetFileName(directory));
        string groups = Path.Combine(directory, "groups.txt"), meters = Path.Combine(directory, "meters.txt");
        return new FuzzCase(
            Path.GetFileName(directory),
            [.. recorded.Ports.Values],
            Rules(Path.Combine(directory, "flows.txt")),
            File.Exists(groups) ? Rules(groups) : [],
            [.. recorded.Events().Select(Event)])
        {
            Meters = File.Exists(meters) ? Rules(meters) : [],
            ChecksSequence = recorded.ChecksSequence,
            ReadsStaged = Path.GetFileName(directory).Length % 2 == 0,
            MinFragmentBytes = (recorded.MinFragmentV4, recorded.MinFragmentV6),
        };
    }

    private static List<string> Rules(string file) => [.. File.ReadLines(file).Where(l => l.Length > 0 && l[0] != '#')];

    private static FuzzEvent Event(JsonElement e)
    {
        long t = e.GetProperty("t").GetInt64();
        return e.GetProperty("op").GetString() switch
        {
            "pkt" => new(t, FuzzOp.Packet) { Port = e.GetProperty("port").GetUInt32(), Frame = Convert.FromHexString(e.GetProperty("hex").GetString()!) },
            "flow_mods" => new(t, FuzzOp.FlowMods) { Lines = [.. e.GetProperty("lines").EnumerateArray().Select(l => l.GetString()!)] },
            "group_mods" => new(t, FuzzOp.GroupMod) { Lines = [e.GetProperty("line").GetString()!] },
            "meter_mods" => new(t, FuzzOp.MeterMods) { Lines = e.TryGetProperty("lines", out JsonElement all) ? [.. all.EnumerateArray().Select(l => l.GetString()!)] : [e.GetProperty("line").GetString()!] },
            "ct_flush" => new(t, FuzzOp.FlushConntrack) { Zone = e.TryGetProperty("zone", out JsonElement z) ? z.GetInt32() : null },
            _ => new(t, FuzzOp.Tick),
        };
    }
}
