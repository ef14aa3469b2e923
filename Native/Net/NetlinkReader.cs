using System.Buffers.Binary;

namespace Mergeflow.Native;

/// <summary>Walks the messages of one datagram of a netlink socket (<c>struct nlmsghdr</c>, netlink(7)). Every length is checked against what is there.</summary>
public ref struct NetlinkReader
{
    /// <summary>Bytes of <c>struct nlmsghdr</c>.</summary>
    public const int HeaderBytes = 16;

    private ReadOnlySpan<byte> _left;

    /// <summary>A reader in front of the first message.</summary>
    public NetlinkReader(ReadOnlySpan<byte> datagram) => _left = datagram;

    /// <summary>A length did not fit: what came behind it was not read.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>The next message; false at the end, or where it is malformed.</summary>
    public bool TryRead(out NetlinkMessage message)
    {
        message = default;
        if (_left.IsEmpty) return false;
        if (_left.Length < HeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(_left) is uint length && (length < HeaderBytes || length > (uint)_left.Length))
        {
            IsMalformed = true;
            _left = default;
            return false;
        }

        int bytes = BinaryPrimitives.ReadInt32LittleEndian(_left);
        message = new NetlinkMessage(
            BinaryPrimitives.ReadUInt16LittleEndian(_left[4..]), BinaryPrimitives.ReadUInt16LittleEndian(_left[6..]), BinaryPrimitives.ReadUInt32LittleEndian(_left[8..]), _left[HeaderBytes..bytes]);
        _left = _left[Math.Min(Align(bytes), _left.Length)..];
        return true;
    }

    /// <summary>Messages and attributes begin at multiples of 4 bytes.</summary>
    internal static int Align(int lengthBytes) => (lengthBytes + 3) & ~3;
}

/// <summary>One message of a netlink socket.</summary>
/// <param name="type">RTM_* or NLMSG_*.</param>
/// <param name="flags">NLM_F_*.</param>
/// <param name="sequence">Number of the request it answers; 0 = nobody asked.</param>
/// <param name="payload">What is behind the header.</param>
public readonly ref struct NetlinkMessage(ushort type, ushort flags, uint sequence, ReadOnlySpan<byte> payload)
{
    /// <summary>NLMSG_ERROR: errno, 0 = acknowledged.</summary>
    public const ushort Error = 2;

    /// <summary>NLMSG_DONE: the end of a dump.</summary>
    public const ushort Done = 3;

    /// <summary>NLM_F_DUMP_INTR: the table changed during the dump.</summary>
    public const ushort DumpInterrupted = 0x10;

    /// <summary>RTM_* or NLMSG_*.</summary>
    public ushort Type { get; } = type;

    /// <summary>NLM_F_*.</summary>
    public ushort Flags { get; } = flags;

    /// <summary>Number of the request it answers; 0 = nobody asked.</summary>
    public uint Sequence { get; } = sequence;

    /// <summary>What is behind the header.</summary>
    public ReadOnlySpan<byte> Payload { get; } = payload;

    /// <summary>Of an <see cref="Error"/> or <see cref="Done"/> message: errno as a positive number, 0 = none.</summary>
    public int Errno => Payload.Length >= 4 && BinaryPrimitives.ReadInt32LittleEndian(Payload) is int error and < 0 and > int.MinValue ? -error : 0;
}
