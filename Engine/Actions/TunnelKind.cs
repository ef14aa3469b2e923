namespace Mergeflow.Engine.Actions;

/// <summary>Encapsulations of native tunnels (OVS <c>OVS_VPORT_TYPE_*</c>).</summary>
public enum TunnelKind : byte
{
    /// <summary>RFC 7348.</summary>
    Vxlan,

    /// <summary>RFC 8926; options are skipped on receive and not sent.</summary>
    Geneve,

    /// <summary>RFC 2784, RFC 2890, carrying Ethernet (0x6558).</summary>
    Gre,
}
