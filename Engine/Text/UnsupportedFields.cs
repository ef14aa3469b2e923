using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Text;

/// <summary>Fields of Open vSwitch 3.1 (meta-flow.h) that are not part of the flow key here: named in any place they are a missing feature, not wrong text.</summary>
internal static class UnsupportedFields
{
    private static readonly HashSet<string> s_names = new(StringComparer.OrdinalIgnoreCase)
    {
        "packet_type", "OXM_OF_PACKET_TYPE", "skb_priority",
        "tun_erspan_idx", "tun_erspan_ver", "tun_erspan_dir", "tun_erspan_hwid",
        "NXOXM_ET_ERSPAN_IDX", "NXOXM_ET_ERSPAN_VER", "NXOXM_ET_ERSPAN_DIR", "NXOXM_ET_ERSPAN_HWID",
        "tun_gtpu_flags", "tun_gtpu_msgtype", "NXOXM_ET_GTPU_FLAGS", "NXOXM_ET_GTPU_MSGTYPE",
        "nd_reserved", "nd_options_type", "ERICOXM_OF_ICMPV6_ND_RESERVED", "ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE",
        "nsh_flags", "nsh_ttl", "nsh_mdtype", "nsh_np", "nsh_spi", "nsp", "nsh_si", "nsi",
        "nsh_c1", "nsh_c2", "nsh_c3", "nsh_c4", "nshc1", "nshc2", "nshc3", "nshc4",
        "NXOXM_NSH_FLAGS", "NXOXM_NSH_TTL", "NXOXM_NSH_MDTYPE", "NXOXM_NSH_NP", "NXOXM_NSH_SPI", "NXOXM_NSH_SI",
        "NXOXM_NSH_C1", "NXOXM_NSH_C2", "NXOXM_NSH_C3", "NXOXM_NSH_C4",
    };

    /// <summary>The one Geneve option that there is a field for: <see cref="Fields.TunMetadata0"/>.</summary>
    public static bool IsFirstOption(ReadOnlySpan<char> name) => name.Equals("tun_metadata0", StringComparison.Ordinal) || name.Equals("NXM_NX_TUN_METADATA0", StringComparison.OrdinalIgnoreCase);

    /// <summary>True for the name of such a field: ovs-ofctl's, an alias, or NXM/OXM with an optional <c>_W</c>.</summary>
    public static bool Contains(ReadOnlySpan<char> name)
    {
        if (IsFirstOption(name)) return false;
        if (name.EndsWith("_W", StringComparison.Ordinal)) name = name[..^2];
        return s_names.Contains(name.ToString())
            || name.StartsWith("tun_metadata", StringComparison.Ordinal)
            || name.StartsWith("NXM_NX_TUN_METADATA", StringComparison.OrdinalIgnoreCase);
    }
}
