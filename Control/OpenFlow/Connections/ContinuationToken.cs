using System.Buffers.Binary;

namespace Mergeflow.Control.OpenFlow;

/// <summary>
/// The token of a packet that waits, in the form in which controllers carry it: a property of properties.
/// A controller that looks into it (<c>ovs-ofctl monitor</c> does) finds the one that Open vSwitch keeps for its own bridge.
/// </summary>
internal static class ContinuationToken
{
    private const ushort BridgeProperty = 0x8000;
    private const int PadBytes = 4;
    private const int HeaderBytes = 4;

    /// <summary>An identity of 16 bytes is what the property holds.</summary>
    private const int ValueBytes = 16;

    /// <summary>Properties begin at multiples of 8.</summary>
    private const int PropertyBytes = 24;

    /// <summary>Bytes of a token.</summary>
    private const int TokenBytes = 12;

    /// <summary>The token as a body of a continuation.</summary>
    public static byte[] Wrap(ReadOnlySpan<byte> token)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(token.Length, TokenBytes);
        byte[] body = new byte[PadBytes + PropertyBytes];
        BinaryPrimitives.WriteUInt16BigEndian(body.AsSpan(PadBytes), BridgeProperty);
        BinaryPrimitives.WriteUInt16BigEndian(body.AsSpan(PadBytes + 2), HeaderBytes + ValueBytes);
        token.CopyTo(body.AsSpan(PadBytes + HeaderBytes));
        return body;
    }

    /// <summary>The token in a body that a controller sent; false if it is none of ours.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, out ReadOnlySpan<byte> token)
    {
        token = default;
        if (body.Length < PadBytes + HeaderBytes + ValueBytes) return false;
        ReadOnlySpan<byte> property = body[PadBytes..];
        if (BinaryPrimitives.ReadUInt16BigEndian(property) != BridgeProperty) return false;
        if (BinaryPrimitives.ReadUInt16BigEndian(property[2..]) != HeaderBytes + ValueBytes) return false;
        token = property.Slice(HeaderBytes, TokenBytes);
        return true;
    }
}
