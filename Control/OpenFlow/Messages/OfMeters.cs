namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_METER_MOD</c>.</summary>
public sealed record OfMeterModMessage : OfMessage
{
    /// <summary>What is to be done.</summary>
    public MeterMod Mod = new(MeterModCommand.Add, 0, MeterFlags.None, EquatableList<MeterBand>.Empty);

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        (ushort command, ushort flags, uint id) = ((ushort)Mod.Command, (ushort)Mod.Flags, Mod.MeterId);
        wire.U16(ref command);
        wire.U16(ref flags);
        wire.U32(ref id);
        if (!wire.IsReading)
        {
            MeterBands.Write(wire.Writer, Mod.Bands);
            return;
        }

        if (command > (ushort)MeterModCommand.Delete) throw new OfRefusal("OFPMMFC_BAD_COMMAND", $"command {command}");
        if (command == (ushort)MeterModCommand.Delete) flags = 0;
        if ((flags & 3) == 3) throw new OfRefusal("OFPMMFC_BAD_FLAGS", "a meter counts in one of kbps and pktps");
        if ((flags & ~15) != 0) throw new OfRefusal("OFPMMFC_BAD_FLAGS", $"flags 0x{flags:x}");
        EquatableList<MeterBand> bands = command == (ushort)MeterModCommand.Delete ? EquatableList<MeterBand>.Empty : MeterBands.Read(wire.Reader.Part(wire.Reader.Left));
        if (command == (ushort)MeterModCommand.Delete) wire.Reader.TakeRest();
        Mod = new MeterMod((MeterModCommand)command, id, (MeterFlags)flags, bands);
    }
}

/// <summary>Bands of a meter (<c>struct ofp13_meter_band_header</c>).</summary>
internal static class MeterBands
{
    private const ushort Drop = 1;
    private const ushort DscpRemark = 2;

    /// <summary>Up to the end.</summary>
    public static EquatableList<MeterBand> Read(OfReader reader)
    {
        List<MeterBand> bands = [];
        while (reader.Left > 0)
        {
            (ushort type, int length) = (reader.U16(), reader.U16());
            if (length != 16) throw new OfRefusal("OFPBRC_BAD_LEN", $"a band of {length} bytes");
            (uint rate, uint burst, byte level) = (reader.U32(), reader.U32(), reader.U8());
            reader.Skip(3);
            if (type is not (Drop or DscpRemark)) throw new OfRefusal("OFPMMFC_BAD_BAND", $"a band of type {type}");
            bands.Add(new MeterBand(rate, burst, type == DscpRemark ? level : null));
        }

        return new EquatableList<MeterBand>(bands);
    }

    /// <summary>One behind the other.</summary>
    public static void Write(OfWriter w, EquatableList<MeterBand> bands)
    {
        foreach (MeterBand band in bands)
        {
            w.U16(band.PrecedenceLevel is null ? Drop : DscpRemark);
            w.U16(16);
            w.U32(band.Rate);
            w.U32(band.BurstSize);
            w.U8(band.PrecedenceLevel ?? 0);
            w.Zeros(3);
        }
    }
}

/// <summary>Multipart <c>METER</c>, reply.</summary>
public sealed record OfMeterReply : OfMessage
{
    public EquatableList<OfMeterStats> Meters = EquatableList<OfMeterStats>.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire) => OfList.Exchange(ref wire, ref Meters, static () => new OfMeterStats(), static (OfMeterStats m, ref OfWire w) => m.Exchange(ref w));
}

/// <summary>Counters of one meter.</summary>
public sealed record OfMeterStats
{
    private const int HeadBytes = 40;

    public uint MeterId;
    public uint FlowCount;
    public ulong Packets;
    public ulong Bytes;
    public uint DurationSeconds;
    public uint DurationNanoseconds;

    /// <summary>Packets and bytes that each band has taken.</summary>
    public EquatableList<(ulong Packets, ulong Bytes)> Bands = EquatableList<(ulong, ulong)>.Empty;

    /// <summary>One.</summary>
    internal void Exchange(ref OfWire wire)
    {
        wire.U32(ref MeterId);
        var length = (ushort)(HeadBytes + (Bands.Count * 16));
        wire.U16(ref length);
        wire.Pad(6);
        wire.U32(ref FlowCount);
        wire.U64(ref Packets);
        wire.U64(ref Bytes);
        wire.U32(ref DurationSeconds);
        wire.U32(ref DurationNanoseconds);
        if (!wire.IsReading)
        {
            OfCounterPairs.Exchange(ref wire, ref Bands);
            return;
        }

        if (length < HeadBytes) throw new OfRefusal("OFPBRC_BAD_LEN", $"a meter of {length} bytes");
        var inner = new OfWire(wire.Reader.Part(length - HeadBytes));
        OfCounterPairs.Exchange(ref inner, ref Bands);
    }
}

/// <summary>Multipart <c>METER_CONFIG</c>, reply.</summary>
public sealed record OfMeterConfigReply : OfMessage
{
    public EquatableList<MeterMod> Meters = EquatableList<MeterMod>.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        if (!wire.IsReading)
        {
            foreach (MeterMod meter in Meters) Write(wire.Writer, meter);
            return;
        }

        List<MeterMod> list = [];
        while (wire.HasMore)
        {
            (int length, ushort flags, uint id) = (wire.Reader.U16(), wire.Reader.U16(), wire.Reader.U32());
            if (length < 8) throw new OfRefusal("OFPBRC_BAD_LEN", $"a meter of {length} bytes");
            list.Add(new MeterMod(MeterModCommand.Add, id, (MeterFlags)(flags & 15), MeterBands.Read(wire.Reader.Part(length - 8))));
        }

        Meters = new EquatableList<MeterMod>(list);
    }

    /// <summary>One; writes only.</summary>
    internal static void Exchange(MeterMod meter, ref OfWire wire) => Write(wire.Writer, meter);

    private static void Write(OfWriter w, MeterMod meter)
    {
        int start = w.Length;
        w.U16(0);
        w.U16((ushort)meter.Flags);
        w.U32(meter.MeterId);
        MeterBands.Write(w, meter.Bands);
        w.PatchLength(start, start);
    }
}

/// <summary>Multipart <c>METER_FEATURES</c>, reply.</summary>
public sealed record OfMeterFeatures : OfMessage
{
    public uint MaxMeter;

    /// <summary>Bit n = bands of type n.</summary>
    public uint BandTypes;
    public uint Capabilities;
    public byte MaxBands;
    public byte MaxColor;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U32(ref MaxMeter);
        wire.U32(ref BandTypes);
        wire.U32(ref Capabilities);
        wire.U8(ref MaxBands);
        wire.U8(ref MaxColor);
        wire.Pad(2);
    }
}
