namespace Mergeflow.Control.OpenFlow;

/// <summary>Multipart <c>FLOW_MONITOR</c>, reply: what has changed.</summary>
public sealed record OfFlowMonitorReply : OfMessage
{
    public EquatableList<OfFlowUpdate> Updates = EquatableList<OfFlowUpdate>.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire) => OfList.Exchange(ref wire, ref Updates, static () => new OfFlowUpdate(), static (OfFlowUpdate u, ref OfWire w) => OfList.Sized(ref w, u, static (OfFlowUpdate u, ref OfWire w) => u.Exchange(ref w)));
}

/// <summary>One change of a flow.</summary>
public sealed record OfFlowUpdate
{
    public OfFlowEvent Event;

    /// <summary>Of a deletion (<c>OFPRR_*</c>).</summary>
    public byte Reason;
    public byte Table;
    public ushort Priority;
    public ushort IdleTimeoutSeconds;
    public ushort HardTimeoutSeconds;
    public ulong Cookie;

    /// <summary>Abbreviated: of the modification that was the controller's own.</summary>
    public uint Xid;
    public Match Match;
    public EquatableList<OfAction> Actions = EquatableList<OfAction>.Empty;

    /// <summary>Two say the same.</summary>
    public bool Equals(OfFlowUpdate? other)
        => other is not null
        && (Event, Reason, Table, Priority, IdleTimeoutSeconds, HardTimeoutSeconds, Cookie) == (other.Event, other.Reason, other.Table, other.Priority, other.IdleTimeoutSeconds, other.HardTimeoutSeconds, other.Cookie)
        && Xid == other.Xid && Actions.Equals(other.Actions) && Match.Same(in Match, in other.Match);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Event, Table, Priority, Cookie);

    /// <summary>What stands behind the length.</summary>
    internal void Exchange(ref OfWire wire)
    {
        bool isNew = wire.Version >= OfVersion.V14;
        var kind = (ushort)(isNew ? (int)Event : Event switch { OfFlowEvent.Initial or OfFlowEvent.Added => 0, OfFlowEvent.Removed => 1, OfFlowEvent.Modified => 2, _ => 3 });
        wire.U16(ref kind);
        if (wire.IsReading) Event = EventOf(kind, isNew);
        if (Event == OfFlowEvent.Abbreviated) wire.U32(ref Xid);
        else if (Event > OfFlowEvent.Abbreviated) wire.Pad(4);
        else if (isNew) Exchange14(ref wire);
        else Exchange10(ref wire);
    }

    private static OfFlowEvent EventOf(ushort kind, bool isNew) => (kind, isNew) switch
    {
        ( <= (ushort)OfFlowEvent.Resumed, true) => (OfFlowEvent)kind,
        (0, false) => OfFlowEvent.Added,
        (1, false) => OfFlowEvent.Removed,
        (2, false) => OfFlowEvent.Modified,
        (3, false) => OfFlowEvent.Abbreviated,
        _ => throw new OfRefusal("NXBRC_FM_BAD_EVENT", $"event {kind}"),
    };

    private void Exchange14(ref OfWire wire)
    {
        wire.U8(ref Table);
        wire.U8(ref Reason);
        wire.U16(ref IdleTimeoutSeconds);
        wire.U16(ref HardTimeoutSeconds);
        wire.U16(ref Priority);
        wire.Pad(4);
        wire.U64(ref Cookie);
        wire.Match(ref Match);
        ExchangeActions(ref wire);
    }

    private void Exchange10(ref OfWire wire)
    {
        ushort reason = Reason;
        wire.U16(ref reason);
        Reason = (byte)reason;
        wire.U16(ref Priority);
        wire.U16(ref IdleTimeoutSeconds);
        wire.U16(ref HardTimeoutSeconds);
        ushort length = 0;
        int at = wire.IsReading ? 0 : wire.Writer.Length;
        wire.U16(ref length);
        wire.U8(ref Table);
        wire.Pad(1);
        wire.U64(ref Cookie);
        MonitorMatch.Exchange(ref wire, length, at, isOxm: wire.Version == OfVersion.V13, ref Match);
        ExchangeActions(ref wire);
    }

    /// <summary>Instructions from OpenFlow 1.3 on, and actions before.</summary>
    private void ExchangeActions(ref OfWire wire)
    {
        bool isList = wire.Version < OfVersion.V13;
        if (wire.IsReading) Actions = isList ? ActionReader.ReadList(wire.Reader.Part(wire.Reader.Left, ActionReader.BadLength)) : InstructionReader.Read(wire.Reader.Part(wire.Reader.Left));
        else if (isList) ActionWriter.Write(wire.Writer, Actions);
        else InstructionWriter.Write(wire.Writer, Actions);
    }
}

/// <summary>What has become of a flow (<c>OFPFME_*</c>).</summary>
public enum OfFlowEvent : byte
{
    Initial,
    Added,
    Removed,
    Modified,
    Abbreviated,
    Paused,
    Resumed,
}
