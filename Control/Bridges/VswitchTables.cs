using Mergeflow.Control.Ovsdb;
using static Mergeflow.Control.Ovsdb.OvsdbAtomType;

namespace Mergeflow.Control.Bridges;

/// <summary>The tables of the database <c>Open_vSwitch</c> (ovs-vswitchd.conf.db(5), schema 8.3) with the columns that a switch reads, or writes back.</summary>
public static class VswitchTables
{
    /// <summary>Name of the database.</summary>
    public const string Database = "Open_vSwitch";

    /// <summary>Lock of the one switch that acts for a database.</summary>
    public const string Lock = "ovs_vswitchd";

    private static readonly OvsdbType s_text = OvsdbType.One(OvsdbAtomType.String);
    private static readonly OvsdbType s_optionalText = OvsdbType.Optional(OvsdbAtomType.String);
    private static readonly OvsdbType s_texts = OvsdbType.Set(OvsdbAtomType.String);
    private static readonly OvsdbType s_number = OvsdbType.One(Integer);
    private static readonly OvsdbType s_optionalNumber = OvsdbType.Optional(Integer);
    private static readonly OvsdbType s_numbers = OvsdbType.Set(Integer);
    private static readonly OvsdbType s_flag = OvsdbType.One(OvsdbAtomType.Boolean);
    private static readonly OvsdbType s_optionalFlag = OvsdbType.Optional(OvsdbAtomType.Boolean);
    private static readonly OvsdbType s_row = OvsdbType.One(Uuid);
    private static readonly OvsdbType s_optionalRow = OvsdbType.Optional(Uuid);
    private static readonly OvsdbType s_rows = OvsdbType.Set(Uuid);
    private static readonly OvsdbType s_map = OvsdbType.Map(OvsdbAtomType.String, OvsdbAtomType.String);
    private static readonly OvsdbType s_counters = OvsdbType.Map(OvsdbAtomType.String, Integer);
    private static readonly OvsdbType s_rowByNumber = OvsdbType.Map(Integer, Uuid);

    /// <summary>The one row at the root.</summary>
    public static OvsdbTable OpenVSwitch { get; } = new("Open_vSwitch",
    [
        new("bridges", s_rows), new("datapaths", OvsdbType.Map(OvsdbAtomType.String, Uuid)), new("manager_options", s_rows), new("next_cfg", s_number), new("other_config", s_map), new("ssl", s_optionalRow),
        new("cur_cfg", s_number, IsOwn: true), new("datapath_types", s_texts, IsOwn: true), new("iface_types", s_texts, IsOwn: true), new("dpdk_initialized", s_flag, IsOwn: true),
        new("dpdk_version", s_optionalText, IsOwn: true), new("statistics", s_map, IsOwn: true),
    ]);

    /// <summary>Bridges.</summary>
    public static OvsdbTable Bridge { get; } = new("Bridge",
    [
        new("name", s_text), new("datapath_type", s_text), new("ports", s_rows), new("controller", s_rows), new("fail_mode", s_optionalText), new("protocols", s_texts), new("other_config", s_map),
        new("mirrors", s_rows), new("flood_vlans", s_numbers), new("flow_tables", s_rowByNumber), new("netflow", s_optionalRow), new("sflow", s_optionalRow), new("ipfix", s_optionalRow),
        new("auto_attach", s_optionalRow), new("mcast_snooping_enable", s_flag), new("stp_enable", s_flag), new("rstp_enable", s_flag),
        new("datapath_id", s_optionalText, IsOwn: true), new("datapath_version", s_text, IsOwn: true), new("status", s_map, IsOwn: true), new("rstp_status", s_map, IsOwn: true),
    ]);

    /// <summary>Ports of bridges: one interface, or the members of a bond.</summary>
    public static OvsdbTable Port { get; } = new("Port",
    [
        new("name", s_text), new("interfaces", s_rows), new("tag", s_optionalNumber), new("trunks", s_numbers), new("cvlans", s_numbers), new("vlan_mode", s_optionalText), new("qos", s_optionalRow),
        new("mac", s_optionalText), new("bond_mode", s_optionalText), new("lacp", s_optionalText), new("bond_updelay", s_number), new("bond_downdelay", s_number), new("bond_fake_iface", s_flag),
        new("fake_bridge", s_flag), new("protected", s_flag), new("other_config", s_map),
        new("bond_active_slave", s_optionalText, IsOwn: true), new("status", s_map, IsOwn: true), new("statistics", s_counters, IsOwn: true), new("rstp_status", s_map, IsOwn: true), new("rstp_statistics", s_counters, IsOwn: true),
    ]);

    /// <summary>Interfaces of ports.</summary>
    public static OvsdbTable Interface { get; } = new("Interface",
    [
        new("name", s_text), new("type", s_text), new("options", s_map), new("mac", s_optionalText), new("mtu_request", s_optionalNumber), new("ofport_request", s_optionalNumber),
        new("ingress_policing_rate", s_number), new("ingress_policing_burst", s_number), new("ingress_policing_kpkts_rate", s_number), new("ingress_policing_kpkts_burst", s_number),
        new("bfd", s_map), new("cfm_mpid", s_optionalNumber), new("lldp", s_map), new("other_config", s_map),
        new("ofport", s_optionalNumber, IsOwn: true), new("error", s_optionalText, IsOwn: true), new("mac_in_use", s_optionalText, IsOwn: true), new("mtu", s_optionalNumber, IsOwn: true),
        new("ifindex", s_optionalNumber, IsOwn: true), new("admin_state", s_optionalText, IsOwn: true), new("link_state", s_optionalText, IsOwn: true), new("link_speed", s_optionalNumber, IsOwn: true),
        new("duplex", s_optionalText, IsOwn: true), new("link_resets", s_optionalNumber, IsOwn: true), new("status", s_map, IsOwn: true), new("statistics", s_counters, IsOwn: true),
        new("bfd_status", s_map, IsOwn: true), new("cfm_fault", s_optionalFlag, IsOwn: true), new("cfm_fault_status", s_texts, IsOwn: true), new("cfm_flap_count", s_optionalNumber, IsOwn: true),
        new("cfm_health", s_optionalNumber, IsOwn: true), new("cfm_remote_mpids", s_numbers, IsOwn: true), new("cfm_remote_opstate", s_optionalText, IsOwn: true), new("lacp_current", s_optionalFlag, IsOwn: true),
    ]);

    /// <summary>OpenFlow controllers.</summary>
    public static OvsdbTable Controller { get; } = new("Controller",
    [
        new("target", s_text), new("type", s_optionalText), new("connection_mode", s_optionalText), new("max_backoff", s_optionalNumber), new("inactivity_probe", s_optionalNumber),
        new("controller_rate_limit", s_optionalNumber), new("controller_burst_limit", s_optionalNumber), new("controller_queue_size", s_optionalNumber), new("enable_async_messages", s_optionalFlag),
        new("local_ip", s_optionalText), new("local_netmask", s_optionalText), new("local_gateway", s_optionalText), new("other_config", s_map),
        new("is_connected", s_flag, IsOwn: true), new("role", s_optionalText, IsOwn: true), new("status", s_map, IsOwn: true),
    ]);

    /// <summary>Files of keys and certificates.</summary>
    public static OvsdbTable Ssl { get; } = new("SSL", [new("private_key", s_text), new("certificate", s_text), new("ca_cert", s_text), new("bootstrap_ca_cert", s_flag)]);

    /// <summary>Port mirrors.</summary>
    public static OvsdbTable Mirror { get; } = new("Mirror",
    [
        new("name", s_text), new("select_all", s_flag), new("select_src_port", s_rows), new("select_dst_port", s_rows), new("select_vlan", s_numbers), new("output_port", s_optionalRow),
        new("output_vlan", s_optionalNumber), new("snaplen", s_optionalNumber), new("statistics", s_counters, IsOwn: true),
    ]);

    /// <summary>What bridges of one type share; OVN makes the row, the switch says what it can.</summary>
    public static OvsdbTable Datapath { get; } = new("Datapath",
        [new("ct_zones", s_rowByNumber), new("external_ids", s_map), new("capabilities", s_map, IsOwn: true), new("datapath_version", s_text, IsOwn: true)]);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<OvsdbTable> All { get; } =
    [
        OpenVSwitch, Bridge, Port, Interface, Controller, Mirror, Datapath, Ssl,
        new("CT_Zone", [new("timeout_policy", s_optionalRow), new("external_ids", s_map)]),
        new("CT_Timeout_Policy", [new("timeouts", s_counters), new("external_ids", s_map)]),
        new("Flow_Table", [new("name", s_optionalText), new("flow_limit", s_optionalNumber), new("overflow_policy", s_optionalText), new("groups", s_texts), new("prefixes", s_texts), new("external_ids", s_map)]),
        new("QoS", [new("type", s_text), new("queues", s_rowByNumber), new("other_config", s_map)]),
        new("Queue", [new("dscp", s_optionalNumber), new("other_config", s_map)]),
        new("Flow_Sample_Collector_Set", [new("id", s_number), new("bridge", s_row), new("ipfix", s_optionalRow)]),
        new("IPFIX",
        [
            new("targets", s_texts), new("sampling", s_optionalNumber), new("obs_domain_id", s_optionalNumber), new("obs_point_id", s_optionalNumber), new("cache_active_timeout", s_optionalNumber),
            new("cache_max_flows", s_optionalNumber), new("other_config", s_map),
        ]),
    ];
}
