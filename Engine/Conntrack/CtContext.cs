using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <summary>One packet's way through <see cref="ConnThread.Execute(Packet*, in DpCt, long, out CtVerdict)"/> (OVS <c>struct conn_lookup_ctx</c>).</summary>
internal unsafe struct CtContext
{
    /// <summary>Tuple that is looked up: the packet's, or for an ICMP error that of the quoted packet, reversed.</summary>
    public ConnKey Key;

    /// <summary>The addresses behind the digests of <see cref="Key"/>; valid for IPv6.</summary>
    public Ipv6Address Src6;
    public Ipv6Address Dst6;

    /// <summary>Hash of <see cref="Key"/>, the same for both directions.</summary>
    public ulong Hash;

    /// <summary>Number of the claims where the tuple belongs, read before it was searched for (see <see cref="ConnClaim"/>).</summary>
    public uint Claims;

    public byte* L3;
    public byte* L4;

    /// <summary>Bytes of L4 header and payload, padding excluded.</summary>
    public int L4SizeBytes;

    /// <summary>Found connection, 0 = none.</summary>
    public int ConnId;

    public bool Reply;
    public bool IcmpRelated;
    public bool IsIpv6;
    public bool Changed;
    public bool Translated;

    /// <summary>See <see cref="CtVerdict.ByOriginalTuple"/>.</summary>
    public bool ByOriginalTuple;

    public void ReverseKey()
    {
        Key = Key.Reverse();
        (Src6, Dst6) = (Dst6, Src6);
    }
}
