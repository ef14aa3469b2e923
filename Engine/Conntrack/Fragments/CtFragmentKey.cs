using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>Which datagram a fragment belongs to (OVS <c>struct ipf_list_key</c>), 48 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = SizeBytes)]
internal struct CtFragmentKey
{
    public const int SizeBytes = 48;

    public Ipv6Address Src;
    public Ipv6Address Dst;
    public Be32 RecircId;

    /// <summary>Identification, 16 bits of IPv4 or 32 of IPv6, as on the wire.</summary>
    public uint IpId;

    public ushort Zone;
    public byte Proto;
    public bool IsIpv6;
    private readonly uint _zero;

    public static bool Same(in CtFragmentKey a, in CtFragmentKey b)
        => a.Src == b.Src && a.Dst == b.Dst && a.RecircId == b.RecircId && a.IpId == b.IpId
            && a.Zone == b.Zone && a.Proto == b.Proto && a.IsIpv6 == b.IsIpv6;
}
