using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// What identifies one direction of a connection, 16 bytes (OVS <c>struct conn_key</c>). IPv6 addresses are represented by keyed
/// 32-bit digests here; whoever finds an equal key still has to compare the addresses themselves.
/// </summary>
/// <remarks>
/// <code>
/// src[0..3] dst[4..7] sport[8..9] dport[10..11] proto[12] aux[13] zone[14..15]      (network order; zone in host order)
/// aux: bit 0 IPv6, bit 4 ICMP query (both ports are the id), bits 1-2 its pair of types, bit 3 it is the reply type
/// </code>
/// Bytes 0..12 are laid out as ct_nw_src .. ct_nw_proto of lane 3, so that writing the original tuple is a copy.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct ConnKey
{
    public const byte AuxIpv6 = 0x01;
    public const byte AuxReplyType = 0x08;
    public const byte AuxIcmp = 0x10;

    [FieldOffset(0)] public ulong Addrs;
    [FieldOffset(0)] public uint Src;
    [FieldOffset(4)] public uint Dst;
    [FieldOffset(8)] public ulong Tail;
    [FieldOffset(8)] public uint Ports;
    [FieldOffset(8)] public ushort SrcPort;
    [FieldOffset(10)] public ushort DstPort;
    [FieldOffset(12)] public byte Proto;
    [FieldOffset(13)] public byte Aux;
    [FieldOffset(14)] public ushort Zone;

    /// <summary>The same connection seen from the other end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ConnKey Reverse()
    {
        ConnKey r = default;
        r.Addrs = (Addrs << 32) | (Addrs >> 32);
        r.Tail = Tail;
        r.Ports = (Ports << 16) | (Ports >> 16);
        r.Aux = (byte)(Aux ^ ((Aux & AuxIcmp) >> 1));
        return r;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Same(in ConnKey a, in ConnKey b) => ((a.Addrs ^ b.Addrs) | (a.Tail ^ b.Tail)) == 0;

    /// <summary>Encodes an ICMP query type; false if the type is not one of a query.</summary>
    public static bool TryAuxOfIcmpType(byte type, bool ipv6, out byte aux)
    {
        aux = AuxIcmp;
        if (ipv6)
        {
            aux |= AuxIpv6 | (3 << 1);
            if (type == 129) aux |= AuxReplyType;
            return type is 128 or 129;
        }
        switch (type)
        {
            case 8: return true;
            case 0: aux |= AuxReplyType; return true;
            case 13: aux |= 1 << 1; return true;
            case 14: aux |= (1 << 1) | AuxReplyType; return true;
            case 15: aux |= 2 << 1; return true;
            case 16: aux |= (2 << 1) | AuxReplyType; return true;
            default: return false;
        }
    }

    /// <summary>The ICMP type this direction has, for keys of ICMP queries.</summary>
    public readonly byte IcmpType => ((Aux >> 1) & 3, (Aux & AuxReplyType) != 0) switch
    {
        (0, false) => 8,
        (0, true) => 0,
        (1, false) => 13,
        (1, true) => 14,
        (2, false) => 15,
        (2, true) => 16,
        (_, false) => 128,
        (_, true) => 129,
    };
}
