namespace Mergeflow.Control.OpenFlow;

/// <summary>Multipart <c>FLOW_MONITOR</c>, request: one or several.</summary>
public sealed record OfFlowMonitorRequest : OfMessage
{
    public EquatableList<OfFlowMonitor> Monitors = EquatableList<OfFlowMonitor>.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire) => OfList.Exchange(ref wire, ref Monitors, static () => new OfFlowMonitor(), static (OfFlowMonitor m, ref OfWire w) => m.Exchange(ref w));
}

/// <summary>What one wants to be told of changes of flows.</summary>
public sealed record OfFlowMonitor
{
    public uint Id;
    public OfMonitorFlags Flags;

    /// <summary><see cref="OfReservedPort.None"/> = any.</summary>
    public uint OutPort = (uint)OfReservedPort.None;

    /// <summary>All ones = any; from OpenFlow 1.4 on.</summary>
    public uint OutGroup = uint.MaxValue;

    /// <summary>255 = all.</summary>
    public byte Table = 255;

    /// <summary>0 = add, 1 = modify, 2 = delete (<c>OFPFMC14_*</c>); from OpenFlow 1.4 on.</summary>
    public byte Command;
    public Match Match;

    /// <summary>Two say the same.</summary>
    public bool Equals(OfFlowMonitor? other)
        => other is not null && (Id, Flags, OutPort, OutGroup, Table, Command) == (other.Id, other.Flags, other.OutPort, other.OutGroup, other.Table, other.Command) && Match.Same(in Match, in other.Match);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Id, Flags, Table);

    /// <summary>One.</summary>
    internal void Exchange(ref OfWire wire)
    {
        if (wire.Version >= OfVersion.V14) Exchange14(ref wire);
        else Exchange10(ref wire);
        bool ok = (Flags & (OfMonitorFlags.Add | OfMonitorFlags.Delete | OfMonitorFlags.Modify)) != 0 && ((int)Flags & ~0x7f) == 0;
        if (wire.IsReading && !ok && Command != 2) throw new OfRefusal("OFPMOFC_BAD_FLAGS", $"flags 0x{(int)Flags:x}");
    }

    private void Exchange14(ref OfWire wire)
    {
        wire.U32(ref Id);
        wire.Port32(ref OutPort);
        wire.U32(ref OutGroup);
        var flags = (ushort)Flags;
        wire.U16(ref flags);
        Flags = (OfMonitorFlags)flags;
        wire.U8(ref Table);
        wire.U8(ref Command);
        wire.Match(ref Match);
    }

    /// <summary>Nicira's, and the ONF's of OpenFlow 1.3.</summary>
    private void Exchange10(ref OfWire wire)
    {
        bool isOnf = wire.Version == OfVersion.V13;
        wire.U32(ref Id);
        ushort flags = (ushort)((int)Flags & 0x3f);
        wire.U16(ref flags);
        Flags = (OfMonitorFlags)flags;
        ushort length = 0;
        if (!isOnf) wire.Port16(ref OutPort);
        int at = wire.IsReading ? 0 : wire.Writer.Length;
        wire.U16(ref length);
        if (isOnf) wire.Port32(ref OutPort);
        wire.U8(ref Table);
        wire.Pad(isOnf ? 3 : 5);
        MonitorMatch.Exchange(ref wire, length, at, isOnf, ref Match);
    }
}

/// <summary>The match of a message whose length field stands before it, without padding in the length.</summary>
internal static class MonitorMatch
{
    /// <param name="wire">Behind the fixed part.</param>
    /// <param name="length">The length field, if one is read.</param>
    /// <param name="at">Where it stands, if one is written.</param>
    /// <param name="isOxm">As in OpenFlow 1.3; Nicira's otherwise.</param>
    /// <param name="match">What is read or written.</param>
    public static void Exchange(ref OfWire wire, ushort length, int at, bool isOxm, ref Match match)
    {
        if (isOxm)
        {
            int start = wire.IsReading ? 0 : wire.Writer.Length;
            wire.Match(ref match);
            if (!wire.IsReading) wire.Writer.PatchU16(at, (wire.Writer.Written[start + 2] << 8) | wire.Writer.Written[start + 3]);
        }
        else if (wire.IsReading)
        {
            OxmReader.ReadNxm(ref wire.Reader, length, ref match, out _);
        }
        else
        {
            wire.Writer.PatchU16(at, OxmMatchWriter.WriteNxm(wire.Writer, ref match));
        }
    }
}

/// <summary>Of what, and how (<c>OFPFMF_*</c>).</summary>
[Flags]
public enum OfMonitorFlags : ushort
{
    None = 0,
    Initial = 1,
    Add = 2,
    Delete = 4,
    Modify = 8,

    /// <summary>With actions.</summary>
    Actions = 16,

    /// <summary>One's own changes in full too.</summary>
    Own = 32,

    /// <summary>From OpenFlow 1.4 on the same as <see cref="Own"/>, as Open vSwitch takes it; the standard has one's own changes only.</summary>
    OnlyOwn = 64,
}
