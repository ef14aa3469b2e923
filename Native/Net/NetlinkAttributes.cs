using System.Buffers.Binary;
using System.Text;

namespace Mergeflow.Native;

/// <summary>Walks the attributes of a netlink message (<c>struct nlattr</c>: length, type, data). Every length is checked against what is there.</summary>
public ref struct NetlinkAttributes
{
    private const int HeaderBytes = 4;

    /// <summary>NLA_F_NESTED and NLA_F_NET_BYTEORDER are no part of the type.</summary>
    private const int TypeMask = 0x3fff;

    private ReadOnlySpan<byte> _left;

    /// <summary>A reader in front of the first attribute.</summary>
    public NetlinkAttributes(ReadOnlySpan<byte> attributes) => _left = attributes;

    /// <summary>Type of the attribute that was read last.</summary>
    public int Type { get; private set; }

    /// <summary>Its data.</summary>
    public ReadOnlySpan<byte> Data { get; private set; }

    /// <summary>A length did not fit: what came behind it was not read.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>The data as a number in the machine's order, 1 to 4 bytes; false for another size.</summary>
    public readonly bool TryGetUInt32(out uint value)
    {
        value = Data.Length switch
        {
            1 => Data[0],
            2 => BinaryPrimitives.ReadUInt16LittleEndian(Data),
            4 => BinaryPrimitives.ReadUInt32LittleEndian(Data),
            _ => 0,
        };
        return Data.Length is 1 or 2 or 4;
    }

    /// <summary>The data as text up to its first 0.</summary>
    public readonly string Text => Encoding.UTF8.GetString(Data.IndexOf((byte)0) is int end and >= 0 ? Data[..end] : Data);

    /// <summary>Moves to the next attribute; false at the end, or where it is malformed.</summary>
    public bool Read()
    {
        if (_left.Length < HeaderBytes)
        {
            // Up to three bytes of padding may be left.
            IsMalformed |= _left.ContainsAnyExcept((byte)0);
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16LittleEndian(_left);
        if (length < HeaderBytes || length > _left.Length)
        {
            IsMalformed = true;
            _left = default;
            return false;
        }

        Type = BinaryPrimitives.ReadUInt16LittleEndian(_left[2..]) & TypeMask;
        Data = _left[HeaderBytes..length];
        _left = _left[Math.Min(NetlinkReader.Align(length), _left.Length)..];
        return true;
    }
}
