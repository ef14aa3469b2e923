using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <summary>A connection that a gateway has seen announced (OVS <c>struct alg_exp_node</c>).</summary>
internal struct CtExpectation
{
    /// <summary>Tuple of its first packet; the source port is 0: any.</summary>
    public ConnKey Key;

    public Ipv6Address Src6;
    public Ipv6Address Dst6;

    /// <summary>Tuple of the control connection, for ct_orig_tuple.</summary>
    public ConnKey ParentKey;

    public Ipv6Address ParentSrc6;
    public Ipv6Address ParentDst6;

    /// <summary>Mark and label that the connection starts with.</summary>
    public uint Mark;

    public Ipv6Address Label;

    /// <summary>Address that NAT puts into the reply tuple, as in <see cref="ConnKey"/>, and in full for IPv6.</summary>
    public uint Replacement;

    public Ipv6Address Replacement6;

    /// <summary>It becomes the reply tuple's destination (SNAT), not its source (DNAT).</summary>
    public bool ReplacesDestination;

    /// <summary>Next of the chain, or of the free ones; 0 = none.</summary>
    public int Next;
}
