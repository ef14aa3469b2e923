namespace Mergeflow.Nic;


/// <summary>The spellings of items and actions, shared by profiles, messages and testpmd text.</summary>
public static class FlowNames
{
    /// <summary>Every item.</summary>
    public static IReadOnlyList<string> Items { get; } =
        ["eth", "vlan", "mpls", "ipv4", "ipv6", "tcp", "udp", "icmp", "icmp6", "icmp6_nd", "arp_eth_ipv4", "integrity", "tunnel"];

    /// <summary>Every action.</summary>
    public static IReadOnlyList<string> Actions { get; } =
    [
        "set_mac_src", "set_mac_dst", "set_ipv4_src", "set_ipv4_dst", "set_ipv6_src", "set_ipv6_dst", "set_tp_src", "set_tp_dst",
        "set_ttl", "dec_ttl", "set_tos", "of_push_vlan", "of_pop_vlan", "of_set_vlan_tci", "of_push_mpls", "of_pop_mpls", "of_set_mpls",
        "port_id", "drop", "count", "sample", "tunnel_decap", "tunnel_encap",
    ];
}
