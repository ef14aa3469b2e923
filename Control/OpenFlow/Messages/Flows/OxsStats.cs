namespace Mergeflow.Control.OpenFlow;

/// <summary>Counters as a list of fields (<c>struct ofp_oxs_stat</c>, OpenFlow 1.5).</summary>
internal struct OxsStats
{
    private const ushort BasicClass = 0x8002;

    public (uint Seconds, uint Nanoseconds)? Duration;
    public (uint Seconds, uint Nanoseconds)? IdleTime;
    public uint? Flows;
    public ulong? Packets;
    public ulong? Bytes;

    /// <summary>Reads or writes all that is said, with padding.</summary>
    public static void Exchange(ref OfWire wire, ref OxsStats stats)
    {
        if (wire.IsReading) stats.Read(ref wire.Reader);
        else stats.Write(wire.Writer);
    }

    private void Read(ref OfReader reader)
    {
        int start = reader.At;
        reader.Skip(2);
        int length = reader.U16();
        if (length < 4) throw new OfRefusal("OFPBRC_BAD_LEN", $"statistics of {length} bytes");
        OfReader body = reader.Part(length - 4);
        reader.SkipTo8(start);
        while (body.Left > 0)
        {
            body.Skip(2);
            int number = body.U8() >> 1;
            OfReader value = body.Part(body.U8());
            switch (number)
            {
                case 0:
                    Duration = (value.U32(), value.U32());
                    break;
                case 1:
                    IdleTime = (value.U32(), value.U32());
                    break;
                case 3:
                    Flows = value.U32();
                    break;
                case 4:
                    Packets = value.U64();
                    break;
                case 5:
                    Bytes = value.U64();
                    break;
            }
        }
    }

    private readonly void Write(OfWriter w)
    {
        int start = w.Length;
        w.U16(0);
        w.U16(0);
        if (Duration is { } duration) Put(w, 0, 8, ((UInt128)duration.Seconds << 32) | duration.Nanoseconds);
        if (IdleTime is { } idle) Put(w, 1, 8, ((UInt128)idle.Seconds << 32) | idle.Nanoseconds);
        if (Packets is { } packets) Put(w, 4, 8, packets);
        if (Bytes is { } bytes) Put(w, 5, 8, bytes);
        if (Flows is { } flows) Put(w, 3, 4, flows);
        w.PatchLength(start + 2, start);
        w.PadTo8(start);
    }

    private static void Put(OfWriter w, byte number, byte length, UInt128 value)
    {
        w.U16(BasicClass);
        w.U8((byte)(number << 1));
        w.U8(length);
        w.Number(value, length);
    }
}
