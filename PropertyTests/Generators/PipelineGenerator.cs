namespace Mergeflow.PropertyTests;

/// <summary>
/// Rules for a case: a skeleton that makes sense (firewall, NAT gateway, load balancer, marker, tagger, plain switch), and random rules in all tables above and
/// below it. Priorities in a table are unique, as equal ones are undefined.
/// </summary>
internal sealed class PipelineGenerator
{
    private readonly Chance _chance;
    private readonly MatchGenerator _matches;
    private readonly ActionGenerator _actions;
    private readonly int _tableCount;
    private readonly bool _conntrack;
    private readonly HashSet<(int Table, int Priority)> _used = [];
    private readonly List<string> _added = [];
    private int _cookie;

    public PipelineGenerator(Chance chance, bool conntrack, bool learns = false)
    {
        _chance = chance;
        _conntrack = conntrack;
        _tableCount = 3 + chance.Below(3);
        _matches = new MatchGenerator(chance);
        _actions = new ActionGenerator(chance, _tableCount, conntrack, learns);
    }

    public List<string> Groups()
        => [
            $"group_id={ActionGenerator.AllGroup},type=all,bucket=output:{_chance.Of(Domain.Ports)},bucket=mod_dl_src:{Domain.Mac(0x0200000000bb)},output:{_chance.Of(Domain.Ports)}",
            $"group_id={ActionGenerator.IndirectGroup},type=indirect,bucket=mod_dl_dst:{Domain.Mac(0x0200000000cc)},output:{_chance.Of(Domain.Ports)}",
        ];

    public List<string> Flows()
    {
        List<string> flows = _conntrack ? _chance.Below(6) switch
        {
            0 => Firewall(),
            1 => Gateway(),
            2 => Balancer(),
            3 => Marker(),
            4 => Tagger(),
            _ => [],
        }
        : [];
        int random = 4 + _chance.Below(20);
        for (int i = 0; i < random; i++) flows.Add(RandomRule());
        for (int table = 0; table < _tableCount; table++)
        {
            if (_chance.OneIn(6)) continue;
            string actions = table + 1 < _tableCount && _chance.OneIn(2) ? $"resubmit(,{table + 1})" : $"output:{_chance.Of(Domain.Ports)}";
            flows.Add(Rule(table, 0, "", actions));
        }

        flows.RemoveAll(f => !IsAccepted(f));
        return flows;
    }

    /// <summary>One flow modification line for the middle of a run.</summary>
    public string Modification()
    {
        while (true)
        {
            string line = _chance.Below(4) switch
            {
                0 when _added.Count > 0 => Strict("delete_strict", _chance.Of(_added), withActions: false),
                1 when _added.Count > 0 => Strict("modify_strict", _chance.Of(_added), withActions: true),
                _ => "add " + RandomRule(),
            };
            if (IsAccepted(line)) return line;
        }
    }

    private static bool IsAccepted(string line)
    {
        try
        {
            Engine.OpenFlow.FlowMod mod = FuzzCase.Parser.ParseFlow(line);
            _ = FieldNames.Terms(mod);
            new Engine.OpenFlow.OfPipeline(new Engine.OpenFlow.PipelineOptions()).Apply(mod);
            return true;
        }
        catch (Exception e) when (e is Engine.Text.FlowTextException or Engine.OpenFlow.FlowModException or NotSupportedException)
        {
            return false;
        }
    }

    private string Strict(string command, string line, bool withActions)
    {
        string head = line[..line.IndexOf(" actions=", StringComparison.Ordinal)];
        string match = head[(head.IndexOf(',', StringComparison.Ordinal) + 1)..];
        return withActions ? $"{command} {match} actions={Output()}" : $"{command} {match}";
    }

    private string RandomRule()
    {
        int table = _chance.Weighted((3, 0), (2, 1), (2, 2 % _tableCount), (1, _chance.Below(_tableCount)));
        (string match, string protocol, bool hasTag) = _matches.Next(_conntrack && table > 0);
        int priority = 1 + _chance.Below(400);
        while (!_used.Add((table, priority))) priority++;
        string line = Rule(table, priority, match, _actions.Next(protocol, table, hasTag));
        _added.Add(line);
        return line;
    }

    private string Rule(int table, int priority, string match, string actions)
    {
        _used.Add((table, priority));
        return $"cookie=0x{++_cookie:x},table={table},priority={priority}{(match.Length > 0 ? "," : "")}{match} actions={actions}";
    }

    private string Output() => $"output:{_chance.Of(Domain.Ports)}";

    /// <summary>One side may begin connections, the other may answer.</summary>
    private List<string> Firewall()
    {
        int zone = _chance.Of(Domain.Zones);
        uint inside = _chance.Of(Domain.Ports);
        return
        [
            Rule(0, 200, "ip,ct_state=-trk", $"ct(table=1,zone={zone})"),
            Rule(0, 201, "ipv6,ct_state=-trk", $"ct(table=1,zone={zone})"),
            Rule(1, 500, $"ip,ct_state=+trk+new,in_port={inside}", $"ct(commit,zone={zone}{_chance.Of(["", ",exec(load:1->NXM_NX_CT_MARK[])"])}),resubmit(,2)"),
            Rule(1, 501, $"ipv6,ct_state=+trk+new", $"ct(commit,table=2,zone={zone})"),
            Rule(1, 502, "ct_state=+trk+est,ip", "resubmit(,2)"),
            Rule(1, 503, "ct_state=+trk+est,ipv6", "resubmit(,2)"),
            Rule(1, 504, "ct_state=+trk+rel,ip", "resubmit(,2)"),
            Rule(1, 505, "ct_state=+trk+inv,ip", _chance.OneIn(2) ? "drop" : Output()),
            Rule(2, 450, $"in_port={inside}", _chance.OneIn(2) ? $"dec_ttl,{Output()}" : Output()),
        ];
    }

    /// <summary>Clients on one port reach the others under a translated address.</summary>
    private List<string> Gateway()
    {
        int zone = _chance.Of(Domain.Zones);
        uint inside = _chance.Of(Domain.Ports), outside = _chance.Of(Domain.Ports);
        string nat = Domain.Ip(_chance.Of(Domain.SourceNat));
        return
        [
            Rule(0, 200, "ip", $"ct(table=1,zone={zone},nat)"),
            Rule(1, 500, $"ip,ct_state=+trk+new,in_port={inside}", $"ct(commit,table=2,zone={zone},nat(src={nat}))"),
            Rule(1, 501, "ip,ct_state=+trk+est", "resubmit(,2)"),
            Rule(1, 502, "ip,ct_state=+trk+rel", "resubmit(,2)"),
            Rule(2, 450, "ip,nw_src=" + nat, $"mod_dl_dst:{Domain.Mac(0x0200000000dd)},output:{outside}"),
            Rule(2, 451, "ip,ct_state=+trk+rpl", $"dec_ttl,output:{inside}"),
        ];
    }

    /// <summary>What the first pass writes the second one asks for; both look at bits of one field.</summary>
    private List<string> Marker()
    {
        int zone = _chance.Of(Domain.Zones);
        return
        [
            Rule(0, 300, "ip,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00", Output()),
            Rule(0, 299, "ip,nw_tos=32", _chance.OneIn(2) ? "drop" : Output()),
            Rule(0, 200, "ip", $"mod_nw_tos:32,ct(table=1,zone={zone})"),
            Rule(1, 500, "ip,ct_state=+trk+new", $"ct(commit,table=2,zone={zone})"),
            Rule(1, 501, "ip,ct_state=+trk+est,nw_tos=32", "resubmit(,2)"),
            Rule(2, 450, "ip,dl_dst=00:00:00:00:00:01/00:00:00:00:00:01", Output()),
            Rule(2, 449, "ip", $"dec_ttl,{Output()}"),
        ];
    }

    /// <summary>Packets are longer when they are tracked than when they came.</summary>
    private List<string> Tagger()
    {
        int zone = _chance.Of(Domain.Zones), vid = _chance.Of(Domain.Vids);
        return
        [
            Rule(0, 200, "ip,vlan_tci=0/0x1000", $"push_vlan:0x8100,mod_vlan_vid:{vid},ct(table=1,zone={zone})"),
            Rule(1, 500, "ip,ct_state=+trk+new", $"ct(commit,table=2,zone={zone})"),
            Rule(1, 501, $"ip,ct_state=+trk+est,dl_vlan={vid}", "resubmit(,2)"),
            Rule(2, 450, $"ip,dl_vlan={vid}", _chance.OneIn(2) ? Output() : $"pop_vlan,{Output()}"),
        ];
    }

    /// <summary>A virtual address in front of a host, then the way back; two zones.</summary>
    private List<string> Balancer()
    {
        (int zone, int second) = (_chance.Of(Domain.Zones), _chance.Of(Domain.Zones));
        string backend = Domain.Ip(_chance.Of(Domain.Hosts));
        return
        [
            Rule(0, 200, "ip", $"ct(table=1,zone={zone},nat)"),
            Rule(1, 500, $"ip,ct_state=+trk+new,nw_dst={Domain.Ip(Domain.Virtual)}", $"ct(commit,table=2,zone={zone},nat(dst={backend}))"),
            Rule(1, 501, "ip,ct_state=+trk+new", $"ct(commit,table=2,zone={zone})"),
            Rule(1, 502, "ip,ct_state=+trk+est", second == zone ? "resubmit(,2)" : $"ct(table=2,zone={second})"),
            Rule(2, 450, "ip,ct_state=+trk+new", second == zone ? Output() : $"ct(commit,zone={second}),{Output()}"),
            Rule(2, 451, "ip,ct_state=+trk+est", Output()),
        ];
    }
}
