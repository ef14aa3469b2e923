using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Text;

/// <summary>NAT ranges as OVS prints them in OpenFlow and datapath actions.</summary>
internal static class NatText
{
    /// <summary><c>A[-A][:P[-P]]</c>, IPv6 addresses in brackets if ports follow; no port part if <paramref name="portMin"/> is 0.</summary>
    public static string Range(bool ipv6, UInt128 min, UInt128 max, ushort portMin, ushort portMax)
    {
        string text = Address(ipv6, min, portMin != 0);
        if (max != 0 && max != min) text += "-" + Address(ipv6, max, portMin != 0);
        if (portMin != 0) text += $":{portMin}";
        if (portMin != 0 && portMax != 0 && portMax != portMin) text += $"-{portMax}";
        return text;
    }

    private static string Address(bool ipv6, UInt128 value, bool bracket)
    {
        string text = AddressText.Format(value, ipv6 ? FieldFormat.Ipv6 : FieldFormat.Ipv4);
        return ipv6 && bracket ? $"[{text}]" : text;
    }
}
