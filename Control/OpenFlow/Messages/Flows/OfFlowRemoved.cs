namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_FLOW_REMOVED</c> and <c>NXT_FLOW_REMOVED</c>.</summary>
public sealed record OfFlowRemoved : OfMessage
{
    public ulong Cookie;
    public ushort Priority;

    /// <summary>0 = idle timeout, 1 = hard timeout, 2 = deleted, 3 = its group, 4 = its meter, 5 = evicted (<c>OFPRR_*</c>).</summary>
    public byte Reason;
    public byte Table;
    public uint DurationSeconds;
    public uint DurationNanoseconds;
    public ushort IdleTimeoutSeconds;
    public ushort HardTimeoutSeconds;
    public ulong Packets;
    public ulong Bytes;
    public Match Match;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        if (IsNicira) ExchangeNicira(ref wire);
        else if (wire.Version == OfVersion.V10) Exchange10(ref wire);
        else if (wire.Version < OfVersion.V15) Exchange11(ref wire);
        else Exchange15(ref wire);
    }

    /// <summary>Two say the same.</summary>
    public bool Equals(OfFlowRemoved? other)
        => other is not null && base.Equals(other)
        && (Cookie, Priority, Reason, Table, DurationSeconds, DurationNanoseconds) == (other.Cookie, other.Priority, other.Reason, other.Table, other.DurationSeconds, other.DurationNanoseconds)
        && (IdleTimeoutSeconds, HardTimeoutSeconds, Packets, Bytes) == (other.IdleTimeoutSeconds, other.HardTimeoutSeconds, other.Packets, other.Bytes)
        && Match.Same(in Match, in other.Match);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), Cookie, Priority, Table);

    private void Exchange10(ref OfWire wire)
    {
        wire.Match(ref Match);
        wire.U64(ref Cookie);
        wire.U16(ref Priority);
        wire.U8(ref Reason);
        wire.Pad(1);
        ExchangeDuration(ref wire);
        wire.U16(ref IdleTimeoutSeconds);
        wire.Pad(2);
        ExchangeCounters(ref wire);
    }

    private void Exchange11(ref OfWire wire)
    {
        wire.U64(ref Cookie);
        wire.U16(ref Priority);
        wire.U8(ref Reason);
        wire.U8(ref Table);
        ExchangeDuration(ref wire);
        wire.U16(ref IdleTimeoutSeconds);
        wire.U16(ref HardTimeoutSeconds);
        ExchangeCounters(ref wire);
        wire.Match(ref Match);
    }

    private void Exchange15(ref OfWire wire)
    {
        wire.U8(ref Table);
        wire.U8(ref Reason);
        wire.U16(ref Priority);
        wire.U16(ref IdleTimeoutSeconds);
        wire.U16(ref HardTimeoutSeconds);
        wire.U64(ref Cookie);
        wire.Match(ref Match);
        var stats = new OxsStats { Duration = (DurationSeconds, DurationNanoseconds), Packets = Packets, Bytes = Bytes };
        OxsStats.Exchange(ref wire, ref stats);
        (DurationSeconds, DurationNanoseconds) = stats.Duration ?? default;
        (Packets, Bytes) = (stats.Packets ?? 0, stats.Bytes ?? 0);
    }

    private void ExchangeNicira(ref OfWire wire)
    {
        wire.U64(ref Cookie);
        wire.U16(ref Priority);
        wire.U8(ref Reason);
        var tablePlusOne = (byte)(Table + 1);
        wire.U8(ref tablePlusOne);
        Table = (byte)(tablePlusOne - 1);
        ExchangeDuration(ref wire);
        wire.U16(ref IdleTimeoutSeconds);
        ushort matchLength = 0;
        int at = wire.IsReading ? 0 : wire.Writer.Length;
        wire.U16(ref matchLength);
        ExchangeCounters(ref wire);
        if (wire.IsReading) OxmReader.ReadNxm(ref wire.Reader, matchLength, ref Match, out _);
        else wire.Writer.PatchU16(at, OxmMatchWriter.WriteNxm(wire.Writer, ref Match));
    }

    private void ExchangeDuration(ref OfWire wire)
    {
        wire.U32(ref DurationSeconds);
        wire.U32(ref DurationNanoseconds);
    }

    private void ExchangeCounters(ref OfWire wire)
    {
        wire.U64(ref Packets);
        wire.U64(ref Bytes);
    }
}
