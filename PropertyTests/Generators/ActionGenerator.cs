namespace Mergeflow.PropertyTests;

/// <summary>Random action lists in ovs-ofctl syntax that fit a match.</summary>
internal sealed class ActionGenerator(Chance chance, int tableCount, bool conntrack, bool learns = false)
{
    /// <summary>First cookie, and first priority, of learned rules.</summary>
    private const int FirstLearned = 40_000;

    private int _learnCount;

    /// <summary>Group that exists in every generated case: copies to two ports.</summary>
    public const int AllGroup = 1;

    /// <summary>Group that exists in every generated case: one bucket that rewrites.</summary>
    public const int IndirectGroup = 2;

    public string Next(string protocol, int table, bool hasTag)
    {
        List<string> actions = [];
        int wanted = 1 + chance.Below(4);
        for (int i = 0; i < wanted; i++)
        {
            string action = One(protocol, table, ref hasTag);
            if (action.Length > 0) actions.Add(action);
        }

        if (table + 1 < tableCount && chance.OneIn(3)) actions.Add($"goto_table:{table + 1 + chance.Below(tableCount - table - 1)}");
        else if (chance.OneIn(2)) actions.Add(Output());
        return actions.Count == 0 ? "drop" : string.Join(',', actions);
    }

    private string One(string protocol, int table, ref bool hasTag)
    {
        bool isIpv4 = protocol is "ip" or "tcp" or "udp" or "icmp", isIpv6 = protocol is "ipv6" or "tcp6" or "udp6" or "icmp6";
        if (conntrack && (isIpv4 || isIpv6) && chance.OneIn(4)) return Ct(table, isIpv6);
        if (learns && chance.OneIn(4)) return chance.OneIn(3) ? Ending() : Learn(isIpv4);
        switch (chance.Below(18))
        {
            case 0 or 1 or 2:
                return Output();
            case 3 or 4 or 5 when table + 1 < tableCount:
                return $"resubmit(,{table + 1 + chance.Below(tableCount - table - 1)})";
            case 6:
                return $"mod_dl_{chance.Of(["src", "dst"])}:{Domain.Mac(chance.Of(Domain.Macs))}";
            case 7:
                return $"load:{chance.Below(4)}->NXM_NX_REG{chance.Below(3)}[{chance.Of(["", "0..1", "1..2"])}]";
            case 8:
                return chance.Of([
                    "move:NXM_OF_IN_PORT[0..2]->NXM_NX_REG2[0..2]", "move:NXM_NX_REG0[0..1]->NXM_NX_REG1[1..2]", "set_field:1->metadata",
                    "push:NXM_NX_REG0[],load:3->NXM_NX_REG0[],pop:NXM_NX_REG1[]", "load:2->NXM_NX_REG0[],output:NXM_NX_REG0[]",
                ]);
            case 9:
                hasTag = true;
                return $"mod_vlan_vid:{chance.Of(Domain.Vids)}";
            case 10 when hasTag:
                hasTag = false;
                return "strip_vlan";
            case 10:
                hasTag = true;
                return $"push_vlan:0x8100,set_field:{4096 + chance.Of(Domain.Vids)}->vlan_vid";
            case 11 or 12 when isIpv4 || isIpv6:
                return chance.Of(["dec_ttl", "mod_nw_ttl:64", $"mod_nw_tos:{chance.Of(Domain.Tos) & 0xfc}", "mod_nw_ecn:2"]);
            case 13 when isIpv4:
                return $"mod_nw_{chance.Of(["src", "dst"])}:{Domain.Ip(chance.Of(Domain.Hosts))}";
            case 13 when isIpv6:
                return $"set_field:{Domain.Ip6(chance.Of(Domain.Hosts6))}->{chance.Of(["ipv6_src", "ipv6_dst"])}";
            case 14 when protocol is "tcp" or "udp" or "tcp6" or "udp6":
                return $"mod_tp_{chance.Of(["src", "dst"])}:{chance.Of(Domain.L4Ports)}";
            case 14 when protocol is "icmp":
                return "set_field:1->icmp_code";
            case 14 when protocol is "arp":
                return chance.OneIn(2) ? $"set_field:{chance.Of([1, 2, 7])}->arp_op" : $"set_field:{Domain.Ip(chance.Of(Domain.Hosts))}->arp_spa";
            case 15:
                return $"group:{chance.Of([AllGroup, IndirectGroup])}";
            case 16 when conntrack:
                return "ct_clear";
            case 17:
                if (chance.OneIn(2)) return Clone(table, isIpv4 || isIpv6);
                return chance.Of(["in_port", "note:00.01", $"clone(mod_dl_src:{Domain.Mac(0x0200000000aa)},output:{chance.Of(Domain.Ports)})", $"write_actions(output:{chance.Of(Domain.Ports)})"]);
            default:
                return "";
        }
    }

    private string Ending() => chance.Of(
        ["exit", "set_queue:3", "bundle(eth_src,0,active_backup,ofport,members:9,2,3)", "bundle_load(nw_src,7,active_backup,ofport,NXM_NX_REG2[0..15],members:8,1),output:NXM_NX_REG2[0..15]", "clone(output:1,exit)"]);

    /// <summary>Each has a priority of its own: what two of them learn may overlap.</summary>
    private string Learn(bool isIpv4)
    {
        int number = FirstLearned + _learnCount++;
        string match = chance.Of([
            "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]", "NXM_OF_ETH_DST[0..7]=NXM_OF_ETH_SRC[0..7],NXM_OF_IN_PORT[]", "NXM_NX_REG0[0..1]=NXM_OF_IN_PORT[0..1]",
            isIpv4 ? "eth_type=0x800,NXM_OF_IP_DST[]=NXM_OF_IP_SRC[]" : "NXM_OF_ETH_SRC[]", isIpv4 ? "eth_type=0x800,nw_proto=6,NXM_OF_IP_SRC[0..3]" : "OXM_OF_METADATA[]",
        ]);

        // Packets that match the same learn the same: what only cached decisions have seen is learned later.
        string act = match.Contains("NXM_OF_IN_PORT[]", StringComparison.Ordinal)
            ? chance.Of(["output:NXM_OF_IN_PORT[]", "load:NXM_OF_IN_PORT[]->NXM_NX_REG1[0..15],output:NXM_OF_IN_PORT[]"])
            : chance.Of(["load:3->NXM_NX_REG2[]", "load:2->NXM_NX_REG0[],load:1->NXM_NX_REG1[]"]);
        return $"learn(table={chance.Below(tableCount)},priority={number},cookie={number},{match},{act})";
    }

    /// <summary>A copy that goes where only the tables know.</summary>
    private string Clone(int table, bool isIp)
    {
        string inner = table + 1 < tableCount ? $"resubmit(,{table + 1 + chance.Below(tableCount - table - 1)})" : $"group:{AllGroup}";
        if (conntrack && isIp && chance.OneIn(3)) inner = $"ct_clear,{inner}";
        return chance.OneIn(4) ? $"clone(clone({inner}),{Output()})" : $"clone({inner})";
    }

    private string Output() => $"output:{chance.Of(Domain.Ports)}";

    private string Ct(int table, bool isIpv6)
    {
        List<string> parts = [];
        bool commit = chance.OneIn(2);
        if (commit) parts.Add("commit");
        if (commit && chance.OneIn(8)) parts.Add("force");
        if (table + 1 < tableCount && !chance.OneIn(4)) parts.Add($"table={table + 1 + chance.Below(tableCount - table - 1)}");
        parts.Add(chance.OneIn(8) ? "zone=NXM_NX_REG0[0..15]" : $"zone={chance.Of(Domain.Zones)}");
        if (chance.OneIn(3)) parts.Add(Nat(commit, isIpv6));
        if (commit && chance.OneIn(4)) parts.Add(chance.Of(["exec(load:1->NXM_NX_CT_MARK[])", "exec(load:1->NXM_NX_CT_MARK[0])", "exec(load:1->NXM_NX_CT_LABEL[0])", "exec(move:NXM_NX_REG0[]->NXM_NX_CT_MARK[])"]));
        return $"ct({string.Join(',', parts.Where(p => p.Length > 0))})";
    }

    private string Nat(bool commit, bool isIpv6)
    {
        // What nat without a range does to a new connection is not written down anywhere.
        if (!commit) return "nat";
        if (isIpv6) return "nat(src=fd00::99)";
        return chance.OneIn(3) ? $"nat(dst={Domain.Ip(chance.Of(Domain.Hosts))}{chance.Of(["", ":80"])})" : $"nat(src={Domain.Ip(chance.Of(Domain.SourceNat))})";
    }
}
