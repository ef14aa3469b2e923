using FsCheck;
using FsCheck.Fluent;

namespace Mergeflow.PropertyTests;

/// <summary>Random flows that Open vSwitch accepts: the actions suit the protocol that the match pins.</summary>
public static class FlowLines
{
    private static readonly string[] s_protocols = ["eth", "ip", "tcp", "udp", "sctp", "icmp", "ipv6", "tcp6", "udp6", "icmp6", "nd_sol", "arp", "mpls"];

    private static readonly Gen<string> s_ethernet = Gen.Choose(0, 0xffffff).Select(n => $"02:00:00:{n >> 16 & 0xff:x2}:{n >> 8 & 0xff:x2}:{n & 0xff:x2}");

    private static readonly Gen<string> s_ipv4 = Gen.Choose(0, 0xffffff).Select(n => $"10.{n >> 16 & 0xff}.{n >> 8 & 0xff}.{n & 0xff}");

    private static readonly Gen<string> s_ipv6 = Gen.Choose(0, 0xffffff).Select(n => $"fd00:{n >> 12 & 0xff:x}::{n & 0xfff:x}");

    private static readonly Gen<string> s_reg = Gen.Choose(0, 15).Select(n => $"reg{n}");

    private static readonly Gen<string> s_range = from start in Gen.Choose(0, 31)
                                                  from end in Gen.Choose(start, 31)
                                                  from dots in Gen.Elements(true, false)
                                                  select dots || start != end ? $"[{start}..{end}]" : $"[{start}]";

    public static Arbitrary<FlowLine> Arbitrary()
    {
        Gen<FlowLine> lines = from protocol in Gen.Elements(s_protocols)
                              from matches in Gen.ListOf(Gen.Frequency((2, Common()), (3, OfProtocol(protocol))))
                              from actions in Gen.NonEmptyListOf(Gen.Frequency((3, CommonAction()), (3, ActionOf(protocol))))
                              from goes in Gen.Elements("", "write_metadata:0x5/0xff", "goto_table:250")
                              select new FlowLine(
                                  protocol == "nd_sol" ? "icmp6,icmp_type=135,icmp_code=0" : protocol,
                                  [.. matches.Where(m => m.Length > 0)],
                                  [.. actions, .. goes.Length > 0 ? new[] { goes } : []]);
        return Arb.From(lines, Shrink);
    }

    private static IEnumerable<FlowLine> Shrink(FlowLine line)
    {
        for (int i = 0; i < line.Matches.Count; i++) yield return line with { Matches = [.. line.Matches.Where((_, k) => k != i)] };
        for (int i = 0; i < line.Actions.Count && line.Actions.Count > 1; i++) yield return line with { Actions = [.. line.Actions.Where((_, k) => k != i)] };
    }

    private static Gen<string> Common() => Gen.OneOf(
        Number("table", 200),
        Number("priority", 65535),
        Number("cookie", int.MaxValue),
        Number("idle_timeout", 65535),
        Number("hard_timeout", 65535),
        Gen.Elements("send_flow_rem", "check_overlap", "in_port=LOCAL", "in_port=p1", "in_port=7", "ct_state=0x21", "ct_state=0x20/0x31"),
        from reg in s_reg from v in Masked(int.MaxValue) select $"{reg}={v}",
        from reg in s_reg from range in s_range select $"{reg}{range}=1",
        Named("metadata", Masked(int.MaxValue)),
        Named("xreg3", Masked(int.MaxValue)),
        Named("xxreg1", Masked(int.MaxValue)),
        Named("dl_src", MaskedText(s_ethernet, "ff:ff:ff:00:00:00", "01:00:00:00:00:00")),
        Named("dl_dst", MaskedText(s_ethernet, "ff:ff:ff:00:00:00", "01:00:00:00:00:00")),
        from v in Gen.Choose(0, 0xffff) from m in Gen.Choose(0, 0xffff) select $"vlan_tci=0x{v | 0x1000:x}/0x{m | 0x1000:x}",
        Gen.Elements("vlan_tci=0", "vlan_tci=0/0x1000", "dl_vlan=0xffff", "dl_vlan_pcp=5", "vlan_tci=0x1000/0x1000"),
        Number("dl_vlan", 4095),
        Named("vlan_vid", Gen.Choose(0, 4095).Select(v => $"{v | 0x1000}/0x1fff")),
        CtState(),
        Number("ct_zone", 65535),
        Named("ct_mark", Masked(int.MaxValue)),
        Named("ct_label", Masked(int.MaxValue)),
        Named("tun_id", Masked(int.MaxValue)),
        Named("tun_src", MaskedText(s_ipv4, "24", "255.0.255.0")),
        Named("tun_ipv6_dst", MaskedText(s_ipv6, "64", "ffff::ffff")),
        Number("tun_ttl", 255),
        Number("conj_id", int.MaxValue),
        Number("recirc_id", 100),
        Named("pkt_mark", Masked(int.MaxValue)),
        Named("dp_hash", Masked(int.MaxValue)));

    private static Gen<string> OfProtocol(string protocol)
    {
        bool v6 = protocol.EndsWith('6') || protocol is "ipv6" or "nd_sol";
        Gen<string> ip = Gen.OneOf(
            v6 ? Named("ipv6_src", MaskedText(s_ipv6, "64", "ffff::ffff")) : Named("nw_src", MaskedText(s_ipv4, "24", "255.0.255.0")),
            v6 ? Named("ipv6_dst", MaskedText(s_ipv6, "127", "::ff")) : Named("nw_dst", MaskedText(s_ipv4, "9", "0.0.0.1")),
            Gen.Choose(0, 63).Select(n => $"nw_tos={n << 2}"),
            Number("ip_dscp", 63),
            Number("nw_ecn", 3),
            Number("nw_ttl", 255),
            Gen.Elements("ip_frag=no", "ip_frag=yes", "ip_frag=first", "nw_frag=not_later"));
        Gen<string> port = Gen.OneOf(Named("tp_src", Masked(65535)), Named("tp_dst", Masked(65535)), ip);
        return protocol switch
        {
            "ip" => ip,
            "ipv6" => Gen.OneOf(ip, Named("ipv6_label", Masked(0xfffff))),
            "tcp" or "tcp6" => Gen.OneOf(port, Gen.Elements("tcp_flags=+syn-ack", "tcp_flags=0x2/0xfff", "tcp_flags=syn|ack", "tcp_flags=-fin-rst")),
            "udp" or "sctp" or "udp6" => port,
            "icmp" or "icmp6" => Gen.OneOf(ip, Number("icmp_type", 120), Number("icmp_code", 255)),
            "nd_sol" => Gen.OneOf(ip, Named("nd_target", MaskedText(s_ipv6, "96", "::ff")), Named("nd_sll", s_ethernet)),
            "arp" => Gen.OneOf(Number("arp_op", 255), Named("arp_spa", MaskedText(s_ipv4, "24", "0.255.0.0")), Named("arp_tpa", s_ipv4), Named("arp_tha", s_ethernet)),
            "mpls" => Gen.OneOf(Number("mpls_label", 0xfffff), Number("mpls_tc", 7), Number("mpls_bos", 1), Number("mpls_ttl", 255)),
            _ => Gen.Constant(""),
        };
    }

    private static Gen<string> CommonAction() => Gen.OneOf(
        Gen.Choose(0, 300).Select(n => $"output:{n}"),
        Gen.Elements("in_port", "normal", "flood", "all", "controller", "controller(max_len=128)", "local", "p1", "output:NXM_NX_REG3[2..9]", "output(port=3,max_len=64)"),
        Gen.Choose(0, 254).Select(n => $"resubmit(,{n})"),
        Gen.Elements("resubmit:5", "resubmit(p1,7)", "group:9", "ct_clear", "note:41.42", "set_tunnel:5", "set_tunnel64:0x123456789"),
        from reg in s_reg from range in s_range select $"load:1->{reg}{range}",
        Gen.Choose(0, 15).Select(n => $"move:NXM_NX_REG{n}[0..15]->NXM_NX_REG{15 - n}[16..31]"),
        Gen.Elements("push:reg1[3..7]", "pop:NXM_NX_REG2[]", "check_pkt_larger(1500)->reg0[4]", "load:0x1f->OXM_OF_PKT_REG2[3..7]"),
        s_ethernet.Select(a => $"mod_dl_dst:{a}"),
        s_ethernet.Select(a => $"set_field:{a[..2]}:00:{a[6..8]}:00:00:00/ff:00:ff:00:00:00->eth_src"),
        Gen.Choose(0, 4095).Select(n => $"push_vlan:0x8100,mod_vlan_vid:{n},mod_vlan_pcp:3,set_field:{n | 0x1000}->vlan_vid,pop_vlan"),
        Gen.Choose(0, 99).Select(n => $"set_field:{n}/0xff->reg{n % 16}"),
        s_ethernet.Select(a => $"clone(set_field:{a}->eth_dst,output:4,clone(in_port))"));

    private static Gen<string> ActionOf(string protocol)
    {
        Gen<string> ct = Gen.Elements(
            "ct(commit)",
            "ct(table=5,zone=7,nat)",
            "ct(commit,force,zone=NXM_NX_REG4[16..31],exec(load:0x5->NXM_NX_CT_MARK[0..7],set_field:0x9/0xff->ct_label))",
            "ct(commit,table=9,nat(src))",
            "ct(zone=65535)");
        Gen<string> ip = Gen.OneOf(ct, Gen.Elements("dec_ttl", "mod_nw_tos:32", "mod_nw_ecn:1", "mod_nw_ttl:9", "set_field:7->ip_dscp", "load:3->NXM_NX_IP_ECN[]"));
        Gen<string> ports = Gen.Choose(0, 65535).Select(n => $"mod_tp_dst:{n}");
        return protocol switch
        {
            "ip" or "icmp" => Gen.OneOf(ip, NatIpv4(), s_ipv4.Select(a => $"mod_nw_src:{a}"), s_ipv4.Select(a => $"set_field:{string.Join('.', a.Split('.')[..2])}.0.0/255.255.0.0->ip_dst")),
            "tcp" or "udp" or "sctp" => Gen.OneOf(ip, NatIpv4(), ports, Gen.Elements($"set_field:80->{protocol}_src")),
            "ipv6" or "icmp6" => Gen.OneOf(ip, NatIpv6(), s_ipv6.Select(a => $"set_field:{a}->ipv6_dst"), Gen.Elements("set_field:0x5->ipv6_label")),
            "tcp6" or "udp6" => Gen.OneOf(ip, NatIpv6(), ports),
            "nd_sol" => Gen.OneOf(ip, s_ipv6.Select(a => $"set_field:{a}->nd_target"), s_ethernet.Select(a => $"set_field:{a}->nd_sll")),
            "arp" => Gen.Elements("set_field:2->arp_op", "move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[]", "load:0x2->NXM_OF_ARP_OP[]", "set_field:1.2.3.4->arp_spa"),
            "mpls" => Gen.Elements("set_mpls_label:16", "set_mpls_tc:3", "set_mpls_ttl:9", "dec_mpls_ttl", "push_mpls:0x8847", "set_field:77->mpls_label"),
            _ => Gen.Elements("output:1", "set_field:5->metadata"),
        };
    }

    private static Gen<string> NatIpv4() => from a in Gen.Choose(1, 100)
                                            from ports in Gen.Elements("", ":80", ":1000-2000")
                                            from flags in Gen.Elements("", ",persistent", ",hash", ",random")
                                            from side in Gen.Elements("src", "dst")
                                            select $"ct(commit,nat({side}=10.0.0.{a}-10.0.0.{a + 100}{ports}{flags}))";

    private static Gen<string> NatIpv6() => from a in s_ipv6
                                            from form in Gen.Elements("{0}", "[{0}]:80-90", "{0}-ff00::1", "[{0}]-[ff00::1]:80")
                                            select $"ct(commit,nat(dst={string.Format(System.Globalization.CultureInfo.InvariantCulture, form, a)}))";

    /// <summary>Never +inv, which forbids ct(commit).</summary>
    private static Gen<string> CtState() => from bits in Gen.Choose(0, 255)
                                            from mask in Gen.Choose(0, 255)
                                            select "ct_state=-inv" + string.Concat(
                                                new[] { "new", "est", "rel", "rpl", "trk", "snat", "dnat" }
                                                    .Select((name, i) => (mask >> i & 1) == 0 ? "" : ((bits >> i & 1) != 0 ? "+" : "-") + name));

    private static Gen<string> Number(string name, int max) => from n in Gen.Choose(0, max)
                                                               from hex in Gen.Elements(true, false)
                                                               select hex && name is not "table" ? $"{name}=0x{n:x}" : $"{name}={n}";

    private static Gen<string> Masked(int max) => from v in Gen.Choose(0, max)
                                                  from m in Gen.Choose(1, max)
                                                  from masked in Gen.Elements(true, false)
                                                  select masked ? $"0x{v:x}/0x{m:x}" : $"{v}";

    private static Gen<string> MaskedText(Gen<string> value, params string[] masks) => from v in value
                                                                                       from m in Gen.Elements([.. masks, ""])
                                                                                       select m.Length > 0 ? $"{v}/{m}" : v;

    private static Gen<string> Named(string name, Gen<string> value) => value.Select(v => $"{name}={v}");
}
