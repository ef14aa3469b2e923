namespace Mergeflow.Engine.OpenFlow;

/// <summary>Addresses whose prefixes a lookup tells apart, so that no more of them is in a megaflow than does (OVS <c>Flow_Table.prefixes</c>, the tries of lib/classifier.c).</summary>
[Flags]
public enum PrefixFields : byte
{
    None = 0,
    NwDst = 1,
    NwSrc = 2,
    Ipv6Dst = 4,
    Ipv6Src = 8,

    /// <summary>Where nobody says any.</summary>
    Default = NwDst | NwSrc,
}
