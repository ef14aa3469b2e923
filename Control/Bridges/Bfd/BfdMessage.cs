using System.Buffers.Binary;

namespace Mergeflow.Control.Bridges;

/// <summary>Session states, with their numbers (RFC 5880, 4.1).</summary>
public enum BfdState : byte
{
    AdminDown,
    Down,
    Init,
    Up,
}

/// <summary>Why a session went down (RFC 5880, 4.1).</summary>
public enum BfdDiagnostic : byte
{
    None,
    Expired,
    EchoFailed,
    RemoteDown,
    ForwardingReset,
    PathDown,
    ConcatenatedPathDown,
    AdminDown,
    ReverseConcatenatedPathDown,
}

/// <summary>Flags of a message (RFC 5880, 4.1).</summary>
[Flags]
public enum BfdFlags : byte
{
    None = 0,
    Multipoint = 1,
    Demand = 2,
    Authentication = 4,
    ControlPlane = 8,
    Final = 16,
    Poll = 32,
}

/// <summary>A control message (RFC 5880, 4.1); intervals in microseconds.</summary>
public readonly record struct BfdMessage
{
    /// <summary>Bytes of a message without authentication.</summary>
    public const int LengthBytes = 24;

    private const int Version = 1;

    /// <summary>Why the sender's session went down.</summary>
    public BfdDiagnostic Diagnostic { get; init; }

    /// <summary>The sender's state.</summary>
    public BfdState State { get; init; }

    /// <summary>Poll, final, ...</summary>
    public BfdFlags Flags { get; init; }

    /// <summary>Messages that may be lost before the session is down.</summary>
    public byte Multiplier { get; init; }

    /// <summary>The sender's number of the session.</summary>
    public uint MyDiscriminator { get; init; }

    /// <summary>The receiver's number of the session; 0 = not known yet.</summary>
    public uint YourDiscriminator { get; init; }

    /// <summary>How often the sender wants to send.</summary>
    public uint MinTxUs { get; init; }

    /// <summary>How often it can receive.</summary>
    public uint MinRxUs { get; init; }

    /// <summary>Reads a message; null and the reason if it must be discarded (RFC 5880, 6.8.6).</summary>
    public static BfdMessage? Read(ReadOnlySpan<byte> m, out string? wrong)
    {
        wrong = null;
        if (m.Length < LengthBytes) wrong = $"too short ({m.Length} bytes, at least {LengthBytes} required)";
        else if (m[0] >> 5 != Version) wrong = "Incorrect version";
        else if (((BfdFlags)m[1] & BfdFlags.Authentication) != 0) wrong = "Authenticated control message with authentication disabled";
        else if (m[3] < LengthBytes) wrong = "Unexpected length";
        else if (m[2] == 0) wrong = "Zero multiplier";
        else if (((BfdFlags)m[1] & BfdFlags.Multipoint) != 0) wrong = "Unsupported multipoint flag";
        if (wrong is not null) return null;
        BfdMessage message = new()
        {
            Diagnostic = (BfdDiagnostic)(m[0] & 0x1f),
            State = (BfdState)(m[1] >> 6),
            Flags = (BfdFlags)(m[1] & 0x3f),
            Multiplier = m[2],
            MyDiscriminator = BinaryPrimitives.ReadUInt32BigEndian(m[4..]),
            YourDiscriminator = BinaryPrimitives.ReadUInt32BigEndian(m[8..]),
            MinTxUs = BinaryPrimitives.ReadUInt32BigEndian(m[12..]),
            MinRxUs = BinaryPrimitives.ReadUInt32BigEndian(m[16..]),
        };
        if (message.MyDiscriminator == 0) wrong = "NULL my_disc";
        else if (message.YourDiscriminator == 0 && message.State > BfdState.Down) wrong = "Null your_disc";
        return wrong is null ? message : null;
    }

    /// <summary>Writes <see cref="LengthBytes"/> bytes.</summary>
    public void Write(Span<byte> m)
    {
        m[..LengthBytes].Clear();
        m[0] = (byte)((Version << 5) | (byte)Diagnostic);
        m[1] = (byte)(((byte)State << 6) | (byte)Flags);
        m[2] = Multiplier;
        m[3] = LengthBytes;
        BinaryPrimitives.WriteUInt32BigEndian(m[4..], MyDiscriminator);
        BinaryPrimitives.WriteUInt32BigEndian(m[8..], YourDiscriminator);
        BinaryPrimitives.WriteUInt32BigEndian(m[12..], MinTxUs);
        BinaryPrimitives.WriteUInt32BigEndian(m[16..], MinRxUs);
    }
}
