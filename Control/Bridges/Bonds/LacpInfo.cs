using System.Buffers.Binary;

namespace Mergeflow.Control.Bridges;

/// <summary>What one end of a link says of itself (IEEE 802.1AX 6.4.2.3: actor and partner information, 15 bytes).</summary>
/// <param name="SystemPriority">Lower is preferred.</param>
/// <param name="SystemId">Ethernet address, 48 bits.</param>
/// <param name="Key">Links of one key may be one.</param>
/// <param name="PortPriority">Lower is preferred.</param>
/// <param name="PortId">Number of the port.</param>
/// <param name="State">Flags.</param>
public readonly record struct LacpInfo(ushort SystemPriority, ulong SystemId, ushort Key, ushort PortPriority, ushort PortId, LacpState State) : IComparable<LacpInfo>
{
    /// <summary>Bytes on the wire.</summary>
    public const int LengthBytes = 15;

    /// <summary>Flags in which a difference makes a message due.</summary>
    private const LacpState Told = LacpState.Active | LacpState.Short | LacpState.Synchronized | LacpState.Aggregates;

    /// <summary>Reads 15 bytes.</summary>
    public static LacpInfo Read(ReadOnlySpan<byte> from)
    {
        ulong id = ((ulong)BinaryPrimitives.ReadUInt16BigEndian(from[2..]) << 32) | BinaryPrimitives.ReadUInt32BigEndian(from[4..]);
        return new LacpInfo(BinaryPrimitives.ReadUInt16BigEndian(from), id, BinaryPrimitives.ReadUInt16BigEndian(from[8..]), BinaryPrimitives.ReadUInt16BigEndian(from[10..]), BinaryPrimitives.ReadUInt16BigEndian(from[12..]), (LacpState)from[14]);
    }

    /// <summary>Writes 15 bytes.</summary>
    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt16BigEndian(to, SystemPriority);
        BinaryPrimitives.WriteUInt16BigEndian(to[2..], (ushort)(SystemId >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(to[4..], (uint)SystemId);
        BinaryPrimitives.WriteUInt16BigEndian(to[8..], Key);
        BinaryPrimitives.WriteUInt16BigEndian(to[10..], PortPriority);
        BinaryPrimitives.WriteUInt16BigEndian(to[12..], PortId);
        to[14] = (byte)State;
    }

    /// <summary>The other end need not be told again.</summary>
    public bool IsTold(LacpInfo other) => ((State ^ other.State) & Told) == 0 && this with { State = 0 } == other with { State = 0 };

    /// <summary>By preference; key and state do not matter.</summary>
    public int CompareTo(LacpInfo other) => (SystemPriority, SystemId, PortPriority, PortId).CompareTo((other.SystemPriority, other.SystemId, other.PortPriority, other.PortId));
}

/// <summary>Flags of one end (IEEE 802.1AX 6.4.2.3).</summary>
[Flags]
public enum LacpState : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Speaks without being spoken to.</summary>
    Active = 0x01,

    /// <summary>Wants a message each second.</summary>
    Short = 0x02,

    /// <summary>The link may be one of several.</summary>
    Aggregates = 0x04,

    /// <summary>The link is in the aggregate.</summary>
    Synchronized = 0x08,

    /// <summary>Takes frames.</summary>
    Collects = 0x10,

    /// <summary>Sends frames.</summary>
    Distributes = 0x20,

    /// <summary>Has heard nothing of the other end.</summary>
    Defaulted = 0x40,

    /// <summary>Has heard nothing for too long.</summary>
    Expired = 0x80,
}
