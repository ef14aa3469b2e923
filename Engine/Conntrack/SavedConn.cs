using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <summary>A connection as another run takes it over: everything that decides about its next packet. What it was counted for goes along.</summary>
public sealed record SavedConn
{
    /// <summary>Zone.</summary>
    public required ushort Zone { get; init; }

    /// <summary>Tuple of the first packet.</summary>
    public required ConnTuple Orig { get; init; }

    /// <summary>Tuple of its answers: the reverse of what left after NAT.</summary>
    public required ConnTuple Reply { get; init; }

    /// <summary>Side that NAT translates: 0 none, 1 source, 2 destination.</summary>
    public byte Nat { get; init; }

    /// <summary>Mark.</summary>
    public uint Mark { get; init; }

    /// <summary>Label.</summary>
    public Ipv6Address Label { get; init; }

    /// <summary>Of TCP: what is known of who began.</summary>
    public SavedPeer OrigPeer { get; init; }

    /// <summary>Of TCP: what is known of the other end.</summary>
    public SavedPeer ReplyPeer { get; init; }

    /// <summary>Of other protocols: 0 one packet seen, 1 several in one direction, 2 in both.</summary>
    public byte L4State { get; init; }

    /// <summary>Committed with <c>alg=</c>: software has to see every packet. What its packets have announced is not taken over.</summary>
    public bool HasAlg { get; init; }

    /// <summary>Bytes that a gateway has inserted into one direction of a TCP connection.</summary>
    public int SequenceSkew { get; init; }

    /// <summary>Whether that is the reply direction.</summary>
    public bool SkewsReply { get; init; }

    /// <summary>Time until it expires, ms.</summary>
    public required long LeftMs { get; init; }

    /// <summary>Packets and bytes of both directions, in software and hardware: original, reply.</summary>
    public (ulong OrigPackets, ulong OrigBytes, ulong ReplyPackets, ulong ReplyBytes) Counts { get; init; }
}

/// <summary>What is known of one end of a TCP connection (OVS <c>struct tcp_peer</c>).</summary>
/// <param name="SeqLo">Highest sequence number sent.</param>
/// <param name="SeqHi">Highest sequence number that the other end allows.</param>
/// <param name="MaxWin">Largest window announced, before scaling.</param>
/// <param name="WScale">Window scale, with flags: see OVS <c>CT_WSCALE_FLAG</c>.</param>
/// <param name="State">State.</param>
public readonly record struct SavedPeer(uint SeqLo, uint SeqHi, ushort MaxWin, byte WScale, TcpState State);
