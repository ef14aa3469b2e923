using System.Buffers.Binary;

namespace Mergeflow.Nic;


/// <summary>One's-complement sums (RFC 1071) and their incremental update (RFC 1624, equation 3).</summary>
internal static class NicChecksum
{
    /// <summary>Adds the bytes as big-endian 16-bit words to a running sum; an odd last byte is padded with zero.</summary>
    public static ulong Add(ulong sum, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= 4)
        {
            sum += BinaryPrimitives.ReadUInt32BigEndian(bytes);
            bytes = bytes[4..];
        }
        if (bytes.Length >= 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes);
            bytes = bytes[2..];
        }
        return bytes.Length == 0 ? sum : sum + ((uint)bytes[0] << 8);
    }

    /// <summary>Folds a running sum to 16 bits; 0xffff over data with its checksum means good.</summary>
    public static ushort Fold(ulong sum)
    {
        sum = (sum >> 32) + (uint)sum;
        sum = (sum >> 32) + (uint)sum;
        sum = (sum >> 16) + (ushort)sum;
        sum = (sum >> 16) + (ushort)sum;
        return (ushort)((sum >> 16) + (ushort)sum);
    }

    /// <summary>The checksum after one 16-bit word changed: a wrong checksum stays wrong by the same amount.</summary>
    public static ushort Update(ushort checksum, ushort oldWord, ushort newWord)
        => (ushort)~Fold((ulong)(ushort)~checksum + (ushort)~oldWord + newWord);

    /// <summary>The checksum after several words changed, word by word.</summary>
    public static ushort Update(ushort checksum, ReadOnlySpan<byte> oldBytes, ReadOnlySpan<byte> newBytes)
    {
        for (int i = 0; i < oldBytes.Length; i += 2)
        {
            checksum = Update(checksum, BinaryPrimitives.ReadUInt16BigEndian(oldBytes[i..]), BinaryPrimitives.ReadUInt16BigEndian(newBytes[i..]));
        }
        return checksum;
    }
}
