using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>The 5-tuple of a flow, as <c>ovs-ofctl</c> and <c>offload explain --flow</c> take it.</summary>
internal static class FlowKeyText
{
    private static readonly FlowTextFormatter s_formatter = new();

    public static string Of(FlowKey key)
    {
        Match match = default;
        match.Value.Key = key;
        ref FlowKey mask = ref match.Mask.Key;
        mask.InPort = new Be32(uint.MaxValue);
        mask.DlType = new Be16(ushort.MaxValue);
        bool isIpv6 = key.DlType.Host == EthType.Ipv6;
        if (isIpv6 || key.DlType.Host is EthType.Ip or EthType.Arp) mask.NwProto = byte.MaxValue;
        if (key.DlType.Host is EthType.Ip or EthType.Arp) mask.NwSrc = mask.NwDst = new Be32(uint.MaxValue);
        if (isIpv6) mask.Ipv6Src = mask.Ipv6Dst = Ipv6Address.FromUInt128(UInt128.MaxValue);
        if (mask.NwProto != 0 && key.NwProto is IpProto.Tcp or IpProto.Udp or IpProto.Sctp && key.DlType.Host != EthType.Arp) mask.TpSrc = mask.TpDst = new Be16(ushort.MaxValue);
        return s_formatter.Format(ref match);
    }
}
