namespace Mergeflow.Control.OpenFlow;

/// <summary>Multipart <c>FLOW</c>, reply.</summary>
public sealed record OfFlowReply : OfMessage
{
    public EquatableList<OfFlowStats> Flows = EquatableList<OfFlowStats>.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        if (IsNicira) OfList.Exchange(ref wire, ref Flows, static () => new OfFlowStats(), static (OfFlowStats f, ref OfWire w) => OfList.Sized(ref w, f, static (OfFlowStats f, ref OfWire w) => f.ExchangeNicira(ref w)));
        else OfList.Exchange(ref wire, ref Flows, static () => new OfFlowStats(), static (OfFlowStats f, ref OfWire w) => OfList.Sized(ref w, f, static (OfFlowStats f, ref OfWire w) => f.Exchange(ref w)));
    }
}

/// <summary>One flow with its counters.</summary>
public sealed record OfFlowStats
{
    public byte Table;
    public uint DurationSeconds;
    public uint DurationNanoseconds;
    public ushort Priority;
    public ushort IdleTimeoutSeconds;
    public ushort HardTimeoutSeconds;

    /// <summary>From OpenFlow 1.3 on.</summary>
    public FlowModFlags Flags;

    /// <summary>From OpenFlow 1.4 on.</summary>
    public ushort Importance;

    /// <summary>Seconds since the last packet, plus one; 0 = not said. Nicira's form only.</summary>
    public ushort IdleAge;

    /// <summary>Seconds since the last modification, plus one; 0 = not said. Nicira's form only.</summary>
    public ushort HardAge;

    /// <summary>Since the last packet; from OpenFlow 1.5 on.</summary>
    public uint IdleSeconds;
    public uint IdleNanoseconds;
    public ulong Cookie;
    public ulong Packets;
    public ulong Bytes;
    public Match Match;
    public EquatableList<OfAction> Actions = EquatableList<OfAction>.Empty;

    /// <summary>Two say the same.</summary>
    public bool Equals(OfFlowStats? other)
        => other is not null
        && (Table, DurationSeconds, DurationNanoseconds, Priority, IdleTimeoutSeconds, HardTimeoutSeconds, Flags) == (other.Table, other.DurationSeconds, other.DurationNanoseconds, other.Priority, other.IdleTimeoutSeconds, other.HardTimeoutSeconds, other.Flags)
        && (Importance, IdleAge, HardAge, Cookie, Packets, Bytes) == (other.Importance, other.IdleAge, other.HardAge, other.Cookie, other.Packets, other.Bytes)
        && (IdleSeconds, IdleNanoseconds) == (other.IdleSeconds, other.IdleNanoseconds)
        && Actions.Equals(other.Actions)
        && Match.Same(in Match, in other.Match);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Table, Priority, Cookie, Packets);

    /// <summary>What stands behind the length.</summary>
    internal void Exchange(ref OfWire wire)
    {
        if (wire.Version >= OfVersion.V15)
        {
            Exchange15(ref wire);
            return;
        }

        wire.U8(ref Table);
        wire.Pad(1);
        bool is10 = wire.Version == OfVersion.V10;
        if (is10) wire.Match(ref Match);
        wire.U32(ref DurationSeconds);
        wire.U32(ref DurationNanoseconds);
        wire.U16(ref Priority);
        wire.U16(ref IdleTimeoutSeconds);
        wire.U16(ref HardTimeoutSeconds);
        if (wire.Version >= OfVersion.V13)
        {
            var flags = (ushort)Flags;
            wire.U16(ref flags);
            Flags = (FlowModFlags)(flags & 31);
            if (wire.Version >= OfVersion.V14) wire.U16(ref Importance);
            wire.Pad(wire.Version >= OfVersion.V14 ? 2 : 4);
        }
        else
        {
            wire.Pad(6);
        }

        wire.U64(ref Cookie);
        wire.U64(ref Packets);
        wire.U64(ref Bytes);
        if (!is10) wire.Match(ref Match);
        ExchangeActions(ref wire);
    }

    /// <summary>What stands behind the length in Nicira's form.</summary>
    internal void ExchangeNicira(ref OfWire wire)
    {
        wire.U8(ref Table);
        wire.Pad(1);
        wire.U32(ref DurationSeconds);
        wire.U32(ref DurationNanoseconds);
        wire.U16(ref Priority);
        wire.U16(ref IdleTimeoutSeconds);
        wire.U16(ref HardTimeoutSeconds);
        ushort matchLength = 0;
        int at = wire.IsReading ? 0 : wire.Writer.Length;
        wire.U16(ref matchLength);
        wire.U16(ref IdleAge);
        wire.U16(ref HardAge);
        wire.U64(ref Cookie);
        wire.U64(ref Packets);
        wire.U64(ref Bytes);
        if (wire.IsReading) OxmReader.ReadNxm(ref wire.Reader, matchLength, ref Match, out _);
        else wire.Writer.PatchU16(at, OxmMatchWriter.WriteNxm(wire.Writer, ref Match));
        ExchangeActions(ref wire);
    }

    private void Exchange15(ref OfWire wire)
    {
        wire.Pad(2);
        wire.U8(ref Table);
        wire.Pad(1);
        wire.U16(ref Priority);
        wire.U16(ref IdleTimeoutSeconds);
        wire.U16(ref HardTimeoutSeconds);
        var flags = (ushort)Flags;
        wire.U16(ref flags);
        Flags = (FlowModFlags)(flags & 31);
        wire.U16(ref Importance);
        wire.U64(ref Cookie);
        wire.Match(ref Match);
        var stats = new OxsStats { Duration = (DurationSeconds, DurationNanoseconds), IdleTime = (IdleSeconds, IdleNanoseconds), Packets = Packets, Bytes = Bytes };
        OxsStats.Exchange(ref wire, ref stats);
        (DurationSeconds, DurationNanoseconds) = stats.Duration ?? default;
        (IdleSeconds, IdleNanoseconds) = stats.IdleTime ?? default;
        (Packets, Bytes) = (stats.Packets ?? 0, stats.Bytes ?? 0);
        ExchangeActions(ref wire);
    }

    private void ExchangeActions(ref OfWire wire)
    {
        if (wire.IsReading) Actions = FlowActions.OfRule(InstructionReader.Read(wire.Reader.Part(wire.Reader.Left)), ref Match);
        else InstructionWriter.Write(wire.Writer, Actions);
    }
}
