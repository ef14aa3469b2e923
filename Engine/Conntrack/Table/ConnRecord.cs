using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// A connection, 128 bytes: what a lookup compares and TCP checks in the first cache line, what every packet changes in the second. So of two threads that have packets of one UDP connection, neither
/// takes the other the line that it compares.
/// </summary>
/// <remarks>
/// <code>
/// line 0: fwd key[0] rev key[16] TCP peer orig[32] TCP peer reply[44] mark[56] generation[60]
/// line 1: label[64] expiry[80] packets[88,96] bytes[104,112] nat[120] l4 state[121] flags[122] timeouts[124] birth[126]
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal struct ConnRecord
{
    public const int SizeBytes = 128;

    /// <summary>Tuple of the first packet.</summary>
    [FieldOffset(0)] public ConnKey Fwd;

    /// <summary>Tuple of its answers: the reverse of what left after NAT.</summary>
    [FieldOffset(16)] public ConnKey Rev;

    [FieldOffset(32)] public TcpPeer Orig;
    [FieldOffset(44)] public TcpPeer Reply;

    /// <summary>Expired when now >= this; of a ghost, minus the time at which it expired.</summary>
    [FieldOffset(80)] public long ExpiryMs;

    [FieldOffset(64)] public Ipv6Address Label;
    [FieldOffset(56)] public uint Mark;
    [FieldOffset(60)] public uint Generation;
    [FieldOffset(88)] public ulong OrigPackets;
    [FieldOffset(96)] public ulong ReplyPackets;
    [FieldOffset(104)] public ulong OrigBytes;
    [FieldOffset(112)] public ulong ReplyBytes;
    [FieldOffset(120)] public NatKind Nat;
    [FieldOffset(121)] public ConnL4State L4State;
    [FieldOffset(122)] public ConnFlags Flags;
    [FieldOffset(124)] public ushort TimeoutRow;
    [FieldOffset(126)] public ushort Birth;

    public readonly bool IsIpv6 => (Fwd.Aux & ConnKey.AuxIpv6) != 0;

    /// <summary>Established in both directions, TCP or UDP, and no gateway needs to see its packets.</summary>
    public readonly bool IsEstablished
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((Flags & (ConnFlags.Live | ConnFlags.HasAlg | ConnFlags.Related)) != ConnFlags.Live) return false;
            return Fwd.Proto switch
            {
                IpProto.Tcp => Orig.State == TcpState.Established && Reply.State == TcpState.Established,
                IpProto.Udp => L4State == ConnL4State.Bidir,
                _ => false,
            };
        }
    }

    /// <summary>NAT changed nothing: the entry for the reply tuple, which outlives the connection, is found by the original tuple too.</summary>
    public readonly bool IsInItsOwnWay => Nat != NatKind.None && (Flags & ConnFlags.TwoEntries) == 0;

    /// <summary>
    /// Are the ports of the connection the identifier of an ICMP query? It is what tells hosts behind one address apart that ask the same host
    /// (RFC 5508 3.1; OVS since 2026, for IPv4).
    /// </summary>
    public readonly bool HasIcmpId => Fwd.Proto == IpProto.Icmp && (Fwd.Aux & (ConnKey.AuxIcmp | ConnKey.AuxIpv6)) == ConnKey.AuxIcmp;

    /// <summary>Counts a packet of one direction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Count(bool reply, int lengthBytes)
    {
        if (reply)
        {
            ReplyPackets++;
            ReplyBytes += (uint)lengthBytes;
        }
        else
        {
            OrigPackets++;
            OrigBytes += (uint)lengthBytes;
        }
    }
}
