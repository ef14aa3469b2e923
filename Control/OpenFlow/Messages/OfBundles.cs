namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_BUNDLE_CONTROL</c>, and the ONF's before OpenFlow 1.4.</summary>
public sealed record OfBundleControl : OfMessage
{
    public uint BundleId;
    public OfBundleCommand Command;
    public OfBundleFlags Flags;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U32(ref BundleId);
        (ushort command, ushort flags) = ((ushort)Command, (ushort)Flags);
        wire.U16(ref command);
        wire.U16(ref flags);
        (Command, Flags) = ((OfBundleCommand)command, (OfBundleFlags)flags);
        if (wire.IsReading) wire.Reader.TakeRest();
    }
}

/// <summary><c>OFPT_BUNDLE_ADD_MESSAGE</c>.</summary>
public sealed record OfBundleAdd : OfMessage
{
    public uint BundleId;
    public OfBundleFlags Flags;

    /// <summary>The message that is added, with its header.</summary>
    public OfBytes Message = OfBytes.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U32(ref BundleId);
        wire.Pad(2);
        var flags = (ushort)Flags;
        wire.U16(ref flags);
        Flags = (OfBundleFlags)flags;
        if (!wire.IsReading)
        {
            wire.Writer.Bytes(Message.Span);
            return;
        }

        ReadOnlySpan<byte> rest = wire.Reader.TakeRest();
        if (rest.Length < OfCodec.HeaderBytes) throw new OfRefusal("OFPBFC_MSG_BAD_LEN", "the message is not whole");
        if (rest[0] != (byte)wire.Version) throw new OfRefusal("OFPBFC_BAD_VERSION", "the message has another version");
        int length = OfCodec.LengthOf(rest);
        if (length < OfCodec.HeaderBytes || length > rest.Length) throw new OfRefusal("OFPBFC_MSG_BAD_LEN", $"a message of {length} bytes");
        if (OfCodec.XidOf(rest) != Xid) throw new OfRefusal("OFPBFC_MSG_BAD_XID", "the message has another transaction");
        Message = new OfBytes(rest[..length].ToArray());
    }
}

/// <summary><c>OFPBCT_*</c>.</summary>
public enum OfBundleCommand : ushort
{
    OpenRequest,
    OpenReply,
    CloseRequest,
    CloseReply,
    CommitRequest,
    CommitReply,
    DiscardRequest,
    DiscardReply,
}

/// <summary><c>OFPBF_*</c>.</summary>
[Flags]
public enum OfBundleFlags : ushort
{
    None = 0,
    Atomic = 1,
    Ordered = 2,
}
