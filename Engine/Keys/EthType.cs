namespace Mergeflow.Engine.Keys;

/// <summary>Ethertypes in host order (OVS <c>ETH_TYPE_*</c>).</summary>
public static class EthType
{
    public const ushort Ip = 0x0800;
    public const ushort Arp = 0x0806;
    public const ushort Rarp = 0x8035;
    public const ushort Vlan = 0x8100;
    public const ushort QinQ = 0x88a8;
    public const ushort Ipv6 = 0x86dd;
    public const ushort Mpls = 0x8847;
    public const ushort MplsMcast = 0x8848;

    /// <summary>An Ethernet frame follows (<c>ETH_TYPE_TEB</c>).</summary>
    public const ushort TransparentEthernet = 0x6558;

    /// <summary>What OVS reports for 802.2 frames without SNAP (<c>FLOW_DL_TYPE_NONE</c>).</summary>
    public const ushort None = 0x05ff;
}
