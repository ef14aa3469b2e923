using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mergeflow.Engine;

/// <summary>One's complement sums as conntrack needs them; values are as loaded from memory, never swapped (RFC 1071 section 2B).</summary>
internal static unsafe class CtChecksum
{
    /// <summary>Adds the 16-bit words of <paramref name="size"/> bytes to a running sum.</summary>
    public static ulong Add(ulong sum, byte* data, int size)
    {
        if (Vector256.IsHardwareAccelerated && size >= 64)
        {
            Vector256<ulong> low = Vector256<ulong>.Zero, high = Vector256<ulong>.Zero;
            Vector256<ulong> mask = Vector256.Create(0xffff_fffful);
            for (; size >= 32; size -= 32, data += 32)
            {
                Vector256<ulong> v = Vector256.Load((ulong*)data);
                low += v & mask;
                high += v >> 32;
            }
            sum += Vector256.Sum(low) + Vector256.Sum(high);
        }
        for (; size >= 4; size -= 4, data += 4) sum += Unsafe.ReadUnaligned<uint>(data);
        if (size >= 2)
        {
            sum += Unsafe.ReadUnaligned<ushort>(data);
            data += 2;
            size -= 2;
        }
        return size != 0 ? sum + *data : sum;
    }

    /// <summary>Folds a running sum and complements it: the value of a checksum field, or 0 when data with a right checksum was summed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Finish(ulong sum)
    {
        sum = (sum & 0xffff_ffff) + (sum >> 32);
        sum = (sum & 0xffff_ffff) + (sum >> 32);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }

    /// <summary>Pseudo-header of IPv4 (RFC 793), for <paramref name="l4Size"/> bytes of L4.</summary>
    public static ulong Pseudo4(byte* l3, byte proto, int l4Size)
        => Add(0, l3 + 12, 8) + ((ulong)proto << 8) + Swap(l4Size);

    /// <summary>Pseudo-header of IPv6 (RFC 8200 section 8.1).</summary>
    public static ulong Pseudo6(byte* l3, byte proto, int l4Size)
        => Add(0, l3 + 8, 32) + ((ulong)proto << 8) + Swap(l4Size);

    /// <summary>The checksum after one 16-bit word changed (RFC 1624 equation 3).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Update16(ushort checksum, ushort old, ushort value)
    {
        uint sum = (uint)(ushort)~checksum + (ushort)~old + value;
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }

    /// <summary>The checksum after one 32-bit word changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Update32(ushort checksum, uint old, uint value)
        => Update16(Update16(checksum, (ushort)old, (ushort)value), (ushort)(old >> 16), (ushort)(value >> 16));

    private static uint Swap(int size) => (uint)(((size & 0xff) << 8) | ((size >> 8) & 0xff));
}
