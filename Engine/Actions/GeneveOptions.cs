using System.Buffers.Binary;

namespace Mergeflow.Engine.Actions;

/// <summary>Options of a Geneve header (RFC 8926, 3.5).</summary>
internal static unsafe class GeneveOptions
{
    private const int HeaderBytes = 4;
    private const byte Critical = 0x80;

    /// <summary>Reads one option. False if the options do not add up, or if one is critical and not the one that is known: then the packet is dropped.</summary>
    /// <param name="bytes">The first option.</param>
    /// <param name="sizeBytes">All of them.</param>
    /// <param name="option">The known one; the default value = none.</param>
    /// <param name="data">What is in it, right-aligned; unchanged if it is not there.</param>
    public static bool TryRead(byte* bytes, int sizeBytes, GeneveOption option, ref ulong? data)
    {
        var rest = new ReadOnlySpan<byte>(bytes, sizeBytes);
        while (!rest.IsEmpty)
        {
            if (rest.Length < HeaderBytes) return false;
            int length = (rest[3] & 0x1f) * 4;
            if (rest.Length < HeaderBytes + length) return false;
            bool isKnown = option.Exists && BinaryPrimitives.ReadUInt16BigEndian(rest) == option.Class && rest[2] == option.Type && length == option.LengthBytes;
            if (isKnown) data = length == 8 ? BinaryPrimitives.ReadUInt64BigEndian(rest[HeaderBytes..]) : BinaryPrimitives.ReadUInt32BigEndian(rest[HeaderBytes..]);
            else if ((rest[2] & Critical) != 0) return false;
            rest = rest[(HeaderBytes + length)..];
        }

        return true;
    }
}
