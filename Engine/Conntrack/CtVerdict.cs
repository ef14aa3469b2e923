using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>What one <c>ct</c> action did with one packet: enough to replay it symbolically.</summary>
public struct CtVerdict
{
    /// <summary>Connection id, -1 if there is none.</summary>
    public int ConnId;

    /// <summary>The connection's generation after the action; any later change that could alter an established packet's treatment moves it.</summary>
    public uint Generation;

    /// <summary>Resulting ct_state.</summary>
    public CtState State;

    /// <summary>True for the reply direction.</summary>
    public bool Reply;

    /// <summary>What becomes of the packet.</summary>
    public CtDisposition Disposition;

    /// <summary>The packet's addresses or ports were translated.</summary>
    public bool Translated;

    /// <summary>The action created the connection or changed its mark, label or existence.</summary>
    public bool Changed;

    /// <summary>A gateway reads the packets of the connection.</summary>
    public bool HasAlg;

    /// <summary>The connection can be offloaded as it stands: established in both directions (TCP: both peers ESTABLISHED), TCP or UDP, no ALG, no fragment.</summary>
    public bool Offloadable;

    /// <summary>
    /// The packet had met this connection in an earlier <c>ct</c> of the same zone and was not changed since: neither the connection's
    /// state nor its timeout nor its counters moved (OVS <c>process_one_fast</c>).
    /// </summary>
    public bool Cached;

    /// <summary>
    /// The connection was found by the original tuple that the packet carries, because no connection had the tuple of its headers. Once one has,
    /// the packet is that one's, and nothing tells who relied on the contrary.
    /// </summary>
    public bool ByOriginalTuple;

    public ushort Zone;
    public uint Mark;
    public Ipv6Address Label;

    /// <summary>Addresses and ports after the action (IPv4 in the first four bytes).</summary>
    public Ipv6Address SrcAfter;
    public Ipv6Address DstAfter;
    public Be16 TpSrcAfter;
    public Be16 TpDstAfter;
}
