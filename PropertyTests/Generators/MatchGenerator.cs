namespace Mergeflow.PropertyTests;

/// <summary>Random matches in ovs-ofctl syntax, with masks and prefixes, and the protocol that they pin.</summary>
internal sealed class MatchGenerator(Chance chance)
{
    private static readonly string[] s_states =
    [
        "+trk", "-trk", "+trk+new", "+trk+est", "+trk+est-rpl", "+trk+rpl", "+trk+inv", "+trk+rel", "-new+trk", "+trk+snat", "+trk+dnat", "+trk-est-inv",
    ];

    /// <summary>A match; <paramref name="conntrack"/> = conntrack fields may be in it. The protocol word comes first, empty = any.</summary>
    public (string Text, string Protocol, bool HasTag) Next(bool conntrack)
    {
        string protocol = chance.Weighted((3, ""), (4, "ip"), (4, "tcp"), (4, "udp"), (2, "icmp"), (2, "ipv6"), (1, "tcp6"), (1, "udp6"), (1, "icmp6"), (1, "arp"));
        List<string> terms = [];
        if (protocol.Length > 0) terms.Add(protocol);
        bool hasTag = false;
        int wanted = chance.Below(4);
        for (int i = 0; i < wanted; i++)
        {
            string term = Term(protocol, conntrack);
            string name = term.Split('=')[0];
            if (term.Length == 0 || terms.Any(t => t.StartsWith(name, StringComparison.Ordinal))) continue;
            if (name is "dl_vlan" or "vlan_tci" && terms.Any(t => t.Contains("vlan", StringComparison.Ordinal))) continue;
            hasTag |= name == "dl_vlan" || term == "vlan_tci=0x1000/0x1000";
            terms.Add(term);
        }

        return (string.Join(',', terms), protocol, hasTag);
    }

    private string Term(string protocol, bool conntrack)
    {
        bool isIpv4 = protocol is "ip" or "tcp" or "udp" or "icmp", isIpv6 = protocol is "ipv6" or "tcp6" or "udp6" or "icmp6";
        bool hasPorts = protocol is "tcp" or "udp" or "tcp6" or "udp6";
        if (conntrack && (isIpv4 || isIpv6) && chance.OneIn(2)) return Tracked();
        return chance.Below(16) switch
        {
            0 or 1 => $"in_port={chance.Of(Domain.Ports)}",
            2 => $"dl_src={Domain.Mac(chance.Of(Domain.Macs))}",
            3 => chance.OneIn(2) ? "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00" : $"dl_dst={Domain.Mac(chance.Of(Domain.Macs))}/ff:00:00:00:00:01",
            4 => chance.Of(["vlan_tci=0/0x1000", "vlan_tci=0x1000/0x1000", $"dl_vlan={chance.Of(Domain.Vids)}"]),
            5 => $"reg{chance.Below(3)}={chance.Below(4)}/{chance.Of([1, 3, 2])}",
            6 => $"metadata={chance.Below(2)}/1",
            7 or 8 or 9 when isIpv4 => $"{chance.Of(["nw_src", "nw_dst"])}={Address()}",
            7 or 8 or 9 when isIpv6 => $"{chance.Of(["ipv6_src", "ipv6_dst"])}={Domain.Ip6(chance.Of(Domain.Hosts6))}/{chance.Of([128, 127, 64, 0])}",
            10 when isIpv4 || isIpv6 => $"nw_tos={chance.Of(Domain.Tos) & 0xfc}",
            11 when isIpv4 || isIpv6 => chance.OneIn(2) ? "nw_ttl=64" : $"nw_ecn={chance.Of([0, 3])}",
            12 when isIpv4 || isIpv6 => $"ip_frag={chance.Of(["no", "yes", "first", "later", "not_later"])}",
            13 or 14 when hasPorts => Port(),
            15 when protocol is "tcp" or "tcp6" => $"tcp_flags={chance.Of(["+syn", "-syn", "+ack-fin", "+rst"])}",
            13 or 14 when protocol is "icmp" => $"icmp_type={chance.Of([8, 0, 3])}",
            13 or 14 when protocol is "icmp6" => $"icmp_type={chance.Of([128, 129, 135])}",
            13 or 14 when protocol is "arp" => $"arp_op={chance.Of([1, 2])}",
            7 or 8 when protocol is "arp" => $"{chance.Of(["arp_spa", "arp_tpa"])}={Domain.Ip(chance.Of(Domain.Hosts))}",
            _ => "",
        };
    }

    private string Address()
    {
        uint host = chance.OneIn(4) ? chance.Of(Domain.SourceNat) : chance.OneIn(6) ? Domain.Virtual : chance.Of(Domain.Hosts);
        return chance.Below(5) switch
        {
            0 => Domain.Ip(host),
            1 => $"{Domain.Ip(host)}/31",
            2 => $"{Domain.Ip(host)}/24",
            3 => $"{Domain.Ip(host)}/8",
            _ => $"0.0.0.{host & 1}/0.0.0.1",
        };
    }

    private string Port()
    {
        string side = chance.Of(["tp_src", "tp_dst"]);
        ushort port = chance.Of(Domain.L4Ports);
        return chance.Below(3) switch
        {
            0 => $"{side}={port}",
            1 => $"{side}={port & 1}/1",
            _ => $"{side}=0x{port & 0xfff0:x}/0xfff0",
        };
    }

    private string Tracked() => chance.Below(10) switch
    {
        0 => $"ct_zone={chance.Of(Domain.Zones)}",
        1 => $"ct_mark={chance.Below(4)}/{chance.Of([1, 3, -1])}".Replace("/-1", "", StringComparison.Ordinal),
        2 => $"ct_label={chance.Below(2)}/1",
        3 => $"ct_state=+trk+new,ct_nw_src={Domain.Ip(chance.Of(Domain.Hosts))}",
        _ => $"ct_state={chance.Of(s_states)}",
    };
}
