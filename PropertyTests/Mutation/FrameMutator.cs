namespace Mergeflow.PropertyTests;

/// <summary>
/// Damages frames: bits, lengths, cuts, lies in length and offset fields, heads of other frames, options, tags and labels, fragments, tunnels.
/// Which header is where is guessed from the bytes, so that the damage lands where a parser decides.
/// </summary>
internal sealed class FrameMutator(Chance chance)
{
    /// <summary>Longest frame that comes out, in bytes.</summary>
    public const int MaxBytes = 1900;

    private static readonly byte[] s_edges = [0, 1, 4, 5, 0x0f, 0x10, 0x40, 0x45, 0x4f, 0x5f, 0x60, 0x7f, 0x80, 0xf0, 0xfe, 0xff];
    private static readonly ushort[] s_types = [0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x8847, 0x8848, 0x6558, 0x0026, 0x8035, 0x05ff, 0x0600];
    private static readonly byte[] s_protocols = [0, 1, 2, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 60, 132, 255];

    /// <summary>Names of the kinds of damage, by the index that <see cref="Mutate"/> returns.</summary>
    public static readonly string[] Kinds =
    [
        "bits", "bytes", "cut", "grown", "IP length", "header length", "L4 length", "type", "protocol", "spliced", "options", "tags", "labels",
        "fragment", "extension headers", "checksum kept", "port or flags", "noise",
    ];

    /// <summary>Another frame, made of <paramref name="frame"/> and maybe <paramref name="other"/>; says what was done to it first.</summary>
    public byte[] Mutate(byte[] frame, byte[] other, out int kind)
    {
        kind = chance.Below(Kinds.Length);
        byte[] f = Apply(kind, [.. frame], other);
        for (int more = chance.Weighted((6, 0), (3, 1), (1, 3)); more > 0; more--) f = Apply(chance.Below(Kinds.Length - 1), f, other);
        return f.Length <= MaxBytes ? f : f[..MaxBytes];
    }

    private byte[] Apply(int kind, byte[] f, byte[] other)
    {
        int l3 = L3Of(f), l4 = L4Of(f, l3);
        switch (kind)
        {
            case 0:
                for (int n = chance.Below(4); n >= 0 && f.Length > 0; n--) f[chance.Below(f.Length)] ^= (byte)(1 << chance.Below(8));
                return f;
            case 1:
                for (int n = chance.Below(6); n >= 0 && f.Length > 0; n--) f[chance.Below(f.Length)] = chance.OneIn(2) ? chance.Of(s_edges) : (byte)chance.Below(256);
                return f;
            case 2:
                return f[..(chance.OneIn(3) ? chance.Below(f.Length + 1) : Math.Max(0, Math.Min(f.Length, chance.Of([l3, l4]) + chance.Below(24) - 4)))];
            case 3:
                return [.. f, .. chance.OneIn(2) ? new byte[chance.Below(60)] : chance.Bytes(chance.Below(300))];
            case 4:
                return Put16(f, l3 + (IsIpv6(f, l3) ? 4 : 2), Lie(f.Length - l3 - (IsIpv6(f, l3) ? 40 : 0)));
            case 5:
                return chance.OneIn(2) ? Put8(f, l3, 0x40 | chance.Below(16)) : Put8(f, l4 + 12, chance.Below(16) << 4);
            case 6:
                return Put16(f, l4 + 4, Lie(f.Length - l4));
            case 7:
                return Put16(f, Math.Max(12, l3 - 2), chance.Of(s_types));
            case 8:
                return Put8(f, l3 + (IsIpv6(f, l3) ? 6 : 9), chance.Of(s_protocols));
            case 9:
                return Splice(f, other);
            case 10:
                return Options(f, l3, l4);
            case 11:
                return Stack(f, 12, 1 + chance.Below(4), i => [.. Two(chance.Of<int>([0x8100, 0x88a8, 0x9100])), .. Two((int)chance.U32() & 0xffff)]);
            case 12:
                return Labels(f, l3);
            case 13:
                return Fragment(f, l3);
            case 14:
                return Extensions(f, l3);
            case 15:
                return Repaired(f, l3);
            case 16:
                return chance.OneIn(2) ? Put16(f, l4 + (2 * chance.Below(2)), chance.Of([0, 21, 69, 4789, 6081, 65535])) : Put8(f, l4 + 13, chance.Below(256));
            default:
                return chance.Bytes(chance.Below(200));
        }
    }

    /// <summary>A length that is off by a little, by the size of a header, or altogether.</summary>
    private int Lie(int truth) => chance.Below(4) switch
    {
        0 => truth + chance.Of([-1, 1, -8, 8, -20, 20, -40, 64]),
        1 => chance.Below(64),
        2 => chance.Of([0, 7, 8, 19, 20, 0x7fff, 0x8000, 0xfff8, 0xffff]),
        _ => (int)chance.U32() & 0xffff,
    };

    private byte[] Splice(byte[] f, byte[] other)
    {
        // The head of one and the tail of another, or one inside the other.
        int at = chance.OneIn(2) ? L3Of(f) : chance.Below(f.Length + 1);
        int from = chance.OneIn(2) ? L3Of(other) : chance.Below(other.Length + 1);
        return [.. f.AsSpan(0, Math.Min(at, f.Length)), .. other.AsSpan(Math.Min(from, other.Length))];
    }

    /// <summary>IPv4 options, or TCP options with a header length that claims them.</summary>
    private byte[] Options(byte[] f, int l3, int l4)
    {
        int words = 1 + chance.Below(10);
        byte[] junk = chance.OneIn(2) ? chance.Bytes(4 * words) : [.. Enumerable.Repeat(chance.Of<byte>([0, 1, 2, 3, 7, 0x44, 0x82]), 4 * words)];
        if (chance.OneIn(2) && l3 + 20 <= f.Length && !IsIpv6(f, l3))
        {
            byte[] ip = [.. f.AsSpan(0, l3 + 20), .. junk, .. f.AsSpan(l3 + 20)];
            ip[l3] = (byte)(0x40 | Math.Min(15, 5 + words));
            return chance.OneIn(4) ? ip : Put16(ip, l3 + 2, ip.Length - l3);
        }

        if (l4 + 20 > f.Length) return f;
        byte[] tcp = [.. f.AsSpan(0, l4 + 20), .. junk, .. f.AsSpan(l4 + 20)];
        tcp[l4 + 12] = (byte)(Math.Min(15, 5 + words) << 4);
        return chance.OneIn(4) ? tcp : Put16(tcp, l3 + (IsIpv6(f, l3) ? 4 : 2), tcp.Length - l3 - (IsIpv6(f, l3) ? 40 : 0));
    }

    private static byte[] Stack(byte[] f, int at, int count, Func<int, byte[]> entry)
    {
        if (at > f.Length) return f;
        byte[] entries = [.. Enumerable.Range(0, count).SelectMany(entry)];
        return [.. f.AsSpan(0, at), .. entries, .. f.AsSpan(at)];
    }

    /// <summary>Labels in front of the network packet; sometimes none is the bottom.</summary>
    private byte[] Labels(byte[] f, int l3)
    {
        if (l3 > f.Length || l3 < 14) return f;
        int count = 1 + chance.Below(5);
        bool bottom = !chance.OneIn(5);
        byte[] labelled = Stack(f, l3, count, i => [.. Two((int)chance.U32() & 0xffff), (byte)((chance.Below(128) << 1) | (bottom && i == count - 1 ? 1 : 0)), (byte)chance.Of(s_edges)]);
        return Put16(labelled, l3 - 2, chance.OneIn(4) ? 0x8848 : 0x8847);
    }

    /// <summary>Flags and offset of any kind; or two halves of the packet, the last of which is what comes out.</summary>
    private byte[] Fragment(byte[] f, int l3)
    {
        int word = chance.Of([0x2000, 0x2001, 0x0001, 0x00b9, 0x1fff, 0x3fff, 0x8000, 0x4000, (int)chance.U32() & 0xffff]);
        if (!IsIpv6(f, l3)) return Put16(f, l3 + 6, word);
        if (l3 + 40 > f.Length) return f;
        byte[] with = [.. f.AsSpan(0, l3 + 40), f[l3 + 6], 0, .. Two((word << 3) | chance.Below(2)), .. Two(0), .. Two(chance.Below(4)), .. f.AsSpan(l3 + 40)];
        with[l3 + 6] = 44;
        return Put16(with, l3 + 4, with.Length - l3 - 40);
    }

    private byte[] Extensions(byte[] f, int l3)
    {
        if (!IsIpv6(f, l3) || l3 + 40 > f.Length) return Put8(f, l3 + 9, chance.Of(s_protocols));
        for (int n = 1 + chance.Below(6); n > 0; n--)
        {
            byte header = chance.Of<byte>([0, 43, 44, 51, 60]);
            int size = chance.Below(3), claimed = chance.OneIn(4) ? chance.Below(256) : size;
            byte[] body = chance.Bytes((8 * size) + 8);
            (body[0], body[1]) = (f[l3 + 6], (byte)claimed);
            f = [.. f.AsSpan(0, l3 + 40), .. body, .. f.AsSpan(l3 + 40)];
            f[l3 + 6] = header;
        }

        return Put16(f, l3 + 4, chance.OneIn(4) ? Lie(f.Length - l3 - 40) : f.Length - l3 - 40);
    }

    /// <summary>Right IPv4 header checksum and total length, so that what is wrong is found further in.</summary>
    private static byte[] Repaired(byte[] f, int l3)
    {
        if (IsIpv6(f, l3) || l3 + 20 > f.Length) return f;
        int header = Math.Min(f.Length - l3, 4 * (f[l3] & 15));
        if (header < 20) return f;
        Put16(f, l3 + 2, f.Length - l3);
        Put16(f, l3 + 10, 0);
        return Put16(f, l3 + 10, OnesComplement.Finish(OnesComplement.Sum(f.AsSpan(l3, header).ToArray())));
    }

    private static int L3Of(byte[] f)
    {
        int at = 12;
        while (at + 6 <= f.Length && Get16(f, at) is 0x8100 or 0x88a8) at += 4;
        if (at + 2 > f.Length) return f.Length;
        bool labelled = Get16(f, at) is 0x8847 or 0x8848;
        at += 2;
        while (labelled && at + 4 <= f.Length)
        {
            labelled = (f[at + 2] & 1) == 0;
            at += 4;
        }

        return at;
    }

    private static int L4Of(byte[] f, int l3) => l3 >= f.Length ? f.Length : l3 + (IsIpv6(f, l3) ? 40 : Math.Max(20, 4 * (f[l3] & 15)));

    private static bool IsIpv6(byte[] f, int l3) => l3 < f.Length && f[l3] >> 4 == 6;

    private static int Get16(byte[] f, int at) => (f[at] << 8) | f[at + 1];

    private static byte[] Two(int value) => [(byte)(value >> 8), (byte)value];

    private static byte[] Put8(byte[] f, int at, int value)
    {
        if (at < f.Length) f[at] = (byte)value;
        return f;
    }

    private static byte[] Put16(byte[] f, int at, int value) => Put8(Put8(f, at, value >> 8), at + 1, value);
}
