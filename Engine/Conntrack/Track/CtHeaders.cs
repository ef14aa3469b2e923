using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>Sizes of headers without options, and numbers as they stand in them.</summary>
internal static unsafe class CtHeaders
{
    public const int Ipv4Bytes = 20;
    public const int Ipv6Bytes = 40;
    public const int TcpBytes = 20;
    public const int UdpBytes = 8;
    public const int IcmpBytes = 8;

    /// <summary>Ethernet types as they stand in a parsed key.</summary>
    public static readonly ushort Ipv4Raw = Be16.FromHost(EthType.Ip).Raw;
    public static readonly ushort Ipv6Raw = Be16.FromHost(EthType.Ipv6).Raw;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Read32(byte* p) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<uint>(p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Read16(byte* p) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ushort>(p));
}
