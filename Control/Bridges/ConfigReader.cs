using Mergeflow.Control.OpenFlow;
using Mergeflow.Control.Ovsdb;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Text;

namespace Mergeflow.Control.Bridges;

/// <summary>Reads what is wanted out of the tables (OVS <c>bridge.c</c>: <c>add_del_bridges</c>, <c>bridge_collect_wanted_ports</c>). What makes no sense is left out and said.</summary>
public static class ConfigReader
{
    /// <summary>Type of an interface that has none.</summary>
    public const string DefaultType = "system";

    private const int MaxPort = 0xff00;
    private const int DefaultMaxBackoffMs = 8000;
    private const int DefaultProbeMs = 5000;
    private const int MinProbeMs = 5000;

    /// <summary>What is wanted; null = the database has no root row.</summary>
    /// <param name="replica">Of <see cref="VswitchTables"/>.</param>
    /// <param name="warn">Takes a line for each thing that is left out.</param>
    public static SwitchConfig? Read(OvsdbReplica replica, Action<string> warn)
    {
        if (replica.Rows(VswitchTables.OpenVSwitch.Name).FirstOrDefault() is not { } root) return null;
        HashSet<string> bridges = new(StringComparer.Ordinal), interfaces = new(StringComparer.Ordinal);
        List<BridgeConfig> wanted = [];
        foreach (OvsdbRow bridge in Find(replica, VswitchTables.Bridge, root.References("bridges")).OrderBy(static b => b.Text("name"), StringComparer.Ordinal))
        {
            string name = bridge.Text("name");
            if (name.Length == 0 || name.AsSpan().IndexOfAny("/\\\0") >= 0 || name.StartsWith('.')) warn($"ignoring bridge with invalid name \"{name}\"");
            else if (!bridges.Add(name)) warn($"bridge {name} specified twice");
            else wanted.Add(Bridge(replica, bridge, interfaces, warn));
        }

        return new SwitchConfig { Root = root.Id, NextCfg = root.Integer("next_cfg") ?? 0, OtherConfig = root.Map("other_config"), Tls = Tls(replica, root), ZoneTimeouts = ZoneTimeouts.Read(replica, root), Bridges = wanted };
    }

    private static BridgeConfig Bridge(OvsdbReplica replica, OvsdbRow row, HashSet<string> interfaces, Action<string> warn)
    {
        string name = row.Text("name");
        HashSet<string> ports = new(StringComparer.Ordinal);
        List<PortConfig> wanted = [];
        foreach (OvsdbRow port in Find(replica, VswitchTables.Port, row.References("ports")).OrderBy(static p => p.Text("name"), StringComparer.Ordinal))
        {
            if (!ports.Add(port.Text("name")))
            {
                warn($"bridge {name}: {port.Text("name")} specified twice as bridge port");
                continue;
            }

            List<InterfaceConfig> members = [];
            foreach (OvsdbRow member in Find(replica, VswitchTables.Interface, port.References("interfaces")).OrderBy(static i => i.Text("name"), StringComparer.Ordinal))
            {
                if (!interfaces.Add(member.Text("name"))) warn($"{member.Text("name")}: interface is already in use, not adding it to bridge {name}");
                else members.Add(Interface(member, name));
            }

            if (members.Count > 0) wanted.Add(Port(port, members) with { Qos = Qos(replica, port) });
        }

        return new BridgeConfig
        {
            Id = row.Id,
            Name = name,
            DatapathType = row.Text("datapath_type") is { Length: > 0 } type ? type : DefaultType,
            IsSecure = row.OptionalText("fail_mode") == "secure",
            Protocols = row.Texts("protocols"),
            OtherConfig = row.Map("other_config"),
            Ports = wanted,
            SnoopsMulticast = row.Boolean("mcast_snooping_enable"),
            FloodVlans = Vlans(row.Integers("flood_vlans")),
            Refused = RefusedOf(row),
            Controllers = [.. Find(replica, VswitchTables.Controller, row.References("controller")).Select(Controller).OrderBy(static c => c.Target, StringComparer.Ordinal)],
            Mirrors = [.. Find(replica, VswitchTables.Mirror, row.References("mirrors")).Select(m => Mirror(replica, m)).OrderBy(static m => m.Name, StringComparer.Ordinal)],
            Tables = FlowTables(replica, row, name, warn),
        };
    }

    /// <summary>Tables with a row in <c>Flow_Table</c> (OVS <c>bridge_configure_tables</c>).</summary>
    private static Dictionary<int, OfTableConfig> FlowTables(OvsdbReplica replica, OvsdbRow bridge, string name, Action<string> warn)
    {
        Dictionary<int, OfTableConfig> tables = [];
        OvsdbDatum rows = bridge["flow_tables"];
        for (int i = 0; i < rows.Count; i++)
        {
            if (rows.Keys[i].Integer is not (>= 0 and < OfPipeline.TableCount) || replica.Find("Flow_Table", rows.Values[i].Uuid) is not { } row) continue;
            int table = (int)rows.Keys[i].Integer;
            List<Subfield> groups = [];
            foreach (string group in row.Texts("groups"))
            {
                try
                {
                    groups.Add(SubfieldText.Parse(group));
                }
                catch (FlowTextException e)
                {
                    warn($"bridge {name}: table {table}: {e.Message}");
                }
            }

            TableLimit? limit = row.Integer("flow_limit") is { } most ? new TableLimit((int)Math.Clamp(most, 0, int.MaxValue), row.OptionalText("overflow_policy") == "evict", new EquatableList<Subfield>(groups)) : null;
            tables[table] = new OfTableConfig(row.OptionalText("name") ?? "", limit, Prefixes(row.Texts("prefixes"), name, warn));
        }

        return tables;
    }

    /// <summary>OVS <c>bridge_configure_tables</c>. Prefixes of addresses of tunnels are told apart no further.</summary>
    private static PrefixFields Prefixes(IEnumerable<string> names, string bridge, Action<string> warn)
    {
        PrefixFields? said = null;
        foreach (string field in names)
        {
            if (field == "none") return PrefixFields.None;
            PrefixFields? one = field switch
            {
                "nw_dst" or "ip_dst" => PrefixFields.NwDst,
                "nw_src" or "ip_src" => PrefixFields.NwSrc,
                "ipv6_dst" => PrefixFields.Ipv6Dst,
                "ipv6_src" => PrefixFields.Ipv6Src,
                "tun_dst" or "tun_src" or "tun_ipv6_dst" or "tun_ipv6_src" => PrefixFields.None,
                _ => null,
            };
            if (one is { } known) said = (said ?? PrefixFields.None) | known;
            else warn($"bridge {bridge}: 'prefixes' with {(Fields.ByName(field) is null ? "unknown" : "incompatible")} field: {field}");
        }

        return said ?? PrefixFields.Default;
    }

    /// <summary>What an interface may ask for and there is not.</summary>
    private static string[] RefusedOfInterface(OvsdbRow row)
    {
        List<string> refused = [];
        if (row.Integer("cfm_mpid") is not null) refused.Add("cfm");
        if (row.Map("lldp").GetValueOrDefault("enable") == "true") refused.Add("lldp");
        return [.. refused];
    }

    /// <summary>What a bridge may ask for and there is not.</summary>
    private static string[] RefusedOf(OvsdbRow row)
    {
        List<string> refused = [];
        foreach (string flag in (ReadOnlySpan<string>)["stp", "rstp"])
        {
            if (row.Boolean($"{flag}_enable")) refused.Add(flag);
        }

        foreach (string reference in (ReadOnlySpan<string>)["netflow", "sflow", "ipfix", "auto_attach"])
        {
            if (row.References(reference).Length > 0) refused.Add(reference);
        }

        return [.. refused];
    }

    private static QosConfig? Qos(OvsdbReplica replica, OvsdbRow port)
    {
        if (port.References("qos") is not [var id, ..] || replica.Find("QoS", id) is not { } row) return null;
        OvsdbDatum queues = row["queues"];
        Dictionary<long, IReadOnlyDictionary<string, string>> byNumber = [];
        List<QueueDscp> dscps = [];
        for (int i = 0; i < queues.Count; i++)
        {
            if (replica.Find("Queue", queues.Values[i].Uuid) is not { } queue) continue;
            byNumber[queues.Keys[i].Integer] = queue.Map("other_config");
            if (queue.Integer("dscp") is >= 0 and <= 63 and var dscp && queues.Keys[i].Integer is >= 0 and <= ushort.MaxValue) dscps.Add(new QueueDscp((ushort)queues.Keys[i].Integer, (byte)dscp));
        }

        return new QosConfig(row.Text("type"), row.Map("other_config"), byNumber) { Dscps = new EquatableList<QueueDscp>(dscps.OrderBy(static d => d.Queue)) };
    }

    private static PortConfig Port(OvsdbRow row, IReadOnlyList<InterfaceConfig> members) => new()
    {
        Id = row.Id,
        Name = row.Text("name"),
        Tag = Vlan(row.Integer("tag")),
        Trunks = Vlans(row.Integers("trunks")),
        CustomerVlans = Vlans(row.Integers("cvlans")),
        VlanMode = row.OptionalText("vlan_mode"),
        BondUpDelayMs = (int)Math.Clamp(row.Integer("bond_updelay") ?? 0, 0, int.MaxValue),
        BondDownDelayMs = (int)Math.Clamp(row.Integer("bond_downdelay") ?? 0, 0, int.MaxValue),
        Lacp = row.OptionalText("lacp"),
        BondActiveBefore = row.OptionalText("bond_active_slave"),
        IsProtected = row.Boolean("protected"),
        BondMode = members.Count > 1 ? row.OptionalText("bond_mode") ?? "active-backup" : null,
        OtherConfig = row.Map("other_config"),
        Interfaces = members,
    };

    private static InterfaceConfig Interface(OvsdbRow row, string bridge)
    {
        string name = row.Text("name"), type = row.Text("type");
        return new InterfaceConfig
        {
            Id = row.Id,
            Name = name,

            // The bridge's own port is internal, whatever the row says.
            Type = name == bridge ? "internal" : type.Length > 0 ? type : DefaultType,
            Options = row.Map("options"),
            Limits = new IngressLimits(Limit(row, "rate"), Limit(row, "burst"), Limit(row, "kpkts_rate"), Limit(row, "kpkts_burst")),
            Refused = RefusedOfInterface(row),
            OtherConfig = row.Map("other_config"),
            Bfd = row.Map("bfd"),
            Mac = row.OptionalText("mac"),
            MtuRequest = row.Integer("mtu_request") is { } mtu and >= 68 and <= 65535 ? (int)mtu : null,
            OfportRequest = OpenFlowPort(row.Integer("ofport_request")),
            OfportBefore = OpenFlowPort(row.Integer("ofport")),
        };
    }

    private static uint Limit(OvsdbRow row, string column) => (uint)Math.Clamp(row.Integer($"ingress_policing_{column}") ?? 0, 0, uint.MaxValue);

    private static ControllerConfig Controller(OvsdbRow row) => new()
    {
        Id = row.Id,
        Target = row.Text("target"),
        Type = row.OptionalText("type"),
        MaxBackoffMs = (int)Math.Clamp(row.Integer("max_backoff") ?? DefaultMaxBackoffMs, 1000, int.MaxValue / 2),
        InactivityProbeMs = row.Integer("inactivity_probe") is not { } probe ? DefaultProbeMs : probe <= 0 ? 0 : (int)Math.Clamp(probe, MinProbeMs, int.MaxValue / 8),
        HasAsyncMessages = row.Boolean("enable_async_messages", missing: true),
        RateLimit = (int)Math.Clamp(row.Integer("controller_rate_limit") ?? 0, 0, int.MaxValue / 2),
        BurstLimit = (int)Math.Clamp(row.Integer("controller_burst_limit") ?? 0, 0, int.MaxValue / 2),
        QueueLength = row.Integer("controller_queue_size") is > 0 and <= 512 and { } length ? (int)length : null,
        OtherConfig = row.Map("other_config"),
    };

    private static OfTlsFiles? Tls(OvsdbReplica replica, OvsdbRow root) => Find(replica, VswitchTables.Ssl, root.References("ssl")).Select(static r
        => new OfTlsFiles(r.Text("private_key"), r.Text("certificate"), r.Text("ca_cert"), r.Boolean("bootstrap_ca_cert"))).FirstOrDefault();

    private static MirrorConfig Mirror(OvsdbReplica replica, OvsdbRow row) => new()
    {
        Id = row.Id,
        Name = row.Text("name"),
        SelectsAll = row.Boolean("select_all"),
        From = PortNames(replica, row.References("select_src_port")),
        To = PortNames(replica, row.References("select_dst_port")),
        Vlans = Vlans(row.Integers("select_vlan")),
        OutputPort = PortNames(replica, row.References("output_port")).FirstOrDefault(),
        OutputVlan = Vlan(row.Integer("output_vlan")),
        SnapBytes = row.Integer("snaplen") is { } snap and >= 14 and < 65535 ? (int)snap : null,
    };

    private static string[] PortNames(OvsdbReplica replica, Guid[] ids) => [.. Find(replica, VswitchTables.Port, ids).Select(static p => p.Text("name")).Order(StringComparer.Ordinal)];

    private static IEnumerable<OvsdbRow> Find(OvsdbReplica replica, OvsdbTable table, Guid[] ids) => ids.Select(id => replica.Find(table.Name, id)).OfType<OvsdbRow>();

    private static int? OpenFlowPort(long? number) => number is > 0 and < MaxPort ? (int)number : null;

    private static int? Vlan(long? number) => number is >= 0 and <= 4095 ? (int)number : null;

    private static int[] Vlans(long[] numbers) => [.. numbers.Where(static n => n is >= 0 and <= 4095).Select(static n => (int)n)];
}
