using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <summary>The addresses of an IPv6 connection, both directions, 64 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct ConnAddresses
{
    public Ipv6Address FwdSrc;
    public Ipv6Address FwdDst;
    public Ipv6Address RevSrc;
    public Ipv6Address RevDst;
}
