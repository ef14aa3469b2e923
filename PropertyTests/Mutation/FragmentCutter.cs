namespace Mergeflow.PropertyTests;

/// <summary>Cuts frames with an untagged IPv4 or IPv6 packet into fragments, honest ones; and changes what fragments say of themselves.</summary>
internal static class FragmentCutter
{
    private const int EthernetBytes = 14;
    private const int Ipv4Bytes = 20;
    private const int Ipv6Bytes = 40;
    private const int FragmentHeaderBytes = 8;

    /// <summary>Fragments with <paramref name="pieceBytes"/> bytes of data, a multiple of 8, but the last.</summary>
    public static List<byte[]> Cut(byte[] frame, int pieceBytes, uint id)
    {
        bool isIpv6 = IsIpv6(frame);
        int header = EthernetBytes + (isIpv6 ? Ipv6Bytes : Ipv4Bytes);
        List<byte[]> fragments = [];
        for (int at = header; at < frame.Length; at += pieceBytes)
        {
            int size = Math.Min(pieceBytes, frame.Length - at);
            byte[] extension = isIpv6 ? [frame[20], 0, 0, 0, (byte)(id >> 24), (byte)(id >> 16), (byte)(id >> 8), (byte)id] : [];
            byte[] fragment = [.. frame.AsSpan(0, header), .. extension, .. frame.AsSpan(at, size)];
            if (isIpv6) fragment[20] = 44;
            else Wire.Put16(fragment, 18, id & 0xffff);
            SetLength(fragment);
            SetPlace(fragment, at - header, at + size < frame.Length);
            fragments.Add(fragment);
        }

        return fragments;
    }

    public static bool IsIpv6(byte[] frame) => frame.Length > EthernetBytes && Wire.U16(frame, 12) == 0x86dd;

    /// <summary>Is it a fragment as <see cref="Cut"/> makes them, whatever was done to it since?</summary>
    public static bool IsFragment(byte[] frame)
        => IsIpv6(frame) ? frame.Length >= EthernetBytes + Ipv6Bytes + FragmentHeaderBytes && frame[20] == 44
        : frame.Length >= EthernetBytes + Ipv4Bytes && Wire.U16(frame, 12) == 0x0800 && (Wire.U16(frame, 20) & 0x3fff) != 0;

    /// <summary>Offset in bytes and whether more follow.</summary>
    public static (int Offset, bool More) PlaceOf(byte[] fragment)
    {
        int word = IsIpv6(fragment) ? Wire.U16(fragment, 56) : Wire.U16(fragment, 20);
        return IsIpv6(fragment) ? (word & 0xfff8, (word & 1) != 0) : ((word & 0x1fff) * 8, (word & 0x2000) != 0);
    }

    public static void SetPlace(byte[] fragment, int offset, bool more)
    {
        if (IsIpv6(fragment)) Wire.Put16(fragment, 56, (ulong)((offset & 0xfff8) | (more ? 1 : 0)));
        else Wire.Put16(fragment, 20, (ulong)(((offset / 8) & 0x1fff) | (more ? 0x2000 : 0)));
        RepairHeader(fragment);
    }

    /// <summary>Makes one fragment part of the other's datagram, if both are of one family.</summary>
    public static void Adopt(byte[] fragment, byte[] other)
    {
        if (IsIpv6(fragment) != IsIpv6(other)) return;
        if (IsIpv6(fragment))
        {
            other.AsSpan(22, 32).CopyTo(fragment.AsSpan(22));
            other.AsSpan(58, 4).CopyTo(fragment.AsSpan(58));
            return;
        }

        other.AsSpan(18, 2).CopyTo(fragment.AsSpan(18));
        other.AsSpan(26, 8).CopyTo(fragment.AsSpan(26));
        fragment[23] = other[23];
        RepairHeader(fragment);
    }

    /// <summary>The fragment with other data of <paramref name="sizeBytes"/> bytes; the IP length is right.</summary>
    public static byte[] Resize(byte[] fragment, int sizeBytes)
    {
        int header = EthernetBytes + (IsIpv6(fragment) ? Ipv6Bytes + FragmentHeaderBytes : Ipv4Bytes);
        byte[] resized = new byte[header + sizeBytes];
        fragment.AsSpan(0, Math.Min(fragment.Length, resized.Length)).CopyTo(resized);
        SetLength(resized);
        RepairHeader(resized);
        return resized;
    }

    private static void SetLength(byte[] frame)
    {
        if (IsIpv6(frame)) Wire.Put16(frame, 18, (ulong)(frame.Length - EthernetBytes - Ipv6Bytes));
        else Wire.Put16(frame, 16, (ulong)(frame.Length - EthernetBytes));
    }

    private static void RepairHeader(byte[] frame)
    {
        if (IsIpv6(frame)) return;
        Wire.Put16(frame, 24, 0);
        Wire.Put16(frame, 24, OnesComplement.Finish(OnesComplement.Sum(frame.AsSpan(EthernetBytes, Ipv4Bytes))));
    }
}
