namespace Mergeflow.Control.OpenFlow;

/// <summary>Multipart <c>FLOW</c> and <c>AGGREGATE</c>, request: which flows.</summary>
public sealed record OfFlowRequest : OfMessage
{
    /// <summary>255 = all.</summary>
    public byte Table = 255;

    /// <summary>Flows that send there; <see cref="OfReservedPort.None"/> = all.</summary>
    public uint OutPort = (uint)OfReservedPort.None;

    /// <summary>Flows that send there; all ones = all.</summary>
    public uint OutGroup = uint.MaxValue;
    public ulong Cookie;
    public ulong CookieMask;
    public Match Match;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        if (IsNicira) ExchangeNicira(ref wire);
        else if (wire.Version == OfVersion.V10) Exchange10(ref wire);
        else Exchange11(ref wire);
    }

    /// <summary>Two ask the same.</summary>
    public bool Equals(OfFlowRequest? other)
        => other is not null && base.Equals(other) && (Table, OutPort, OutGroup, Cookie, CookieMask) == (other.Table, other.OutPort, other.OutGroup, other.Cookie, other.CookieMask) && Match.Same(in Match, in other.Match);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), Table, OutPort, OutGroup);

    private void Exchange10(ref OfWire wire)
    {
        wire.Match(ref Match);
        wire.U8(ref Table);
        wire.Pad(1);
        wire.Port16(ref OutPort);
    }

    private void Exchange11(ref OfWire wire)
    {
        wire.U8(ref Table);
        wire.Pad(3);
        wire.Port32(ref OutPort);
        wire.U32(ref OutGroup);
        wire.Pad(4);
        wire.U64(ref Cookie);
        wire.U64(ref CookieMask);
        wire.Match(ref Match);
    }

    private void ExchangeNicira(ref OfWire wire)
    {
        wire.Port16(ref OutPort);
        ushort length = 0;
        int at = wire.IsReading ? 0 : wire.Writer.Length;
        wire.U16(ref length);
        wire.U8(ref Table);
        wire.Pad(3);
        if (wire.IsReading)
        {
            OxmReader.ReadNxm(ref wire.Reader, length, ref Match, out (ulong Value, ulong Mask) cookie);
            (Cookie, CookieMask) = cookie;
        }
        else
        {
            wire.Writer.PatchU16(at, OxmMatchWriter.WriteNxm(wire.Writer, ref Match, (Cookie, CookieMask)));
        }
    }
}
