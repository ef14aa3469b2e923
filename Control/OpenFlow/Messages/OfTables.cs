namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_TABLE_MOD</c>; its properties are not looked into.</summary>
public sealed record OfTableMod : OfMessage
{
    /// <summary>255 = all.</summary>
    public byte Table;
    public uint Config;

    /// <summary>From OpenFlow 1.4 on.</summary>
    public OfBytes Properties = OfBytes.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U8(ref Table);
        wire.Pad(3);
        wire.U32(ref Config);
        if (wire.Version >= OfVersion.V14) wire.Rest(ref Properties);
    }
}

/// <summary>Multipart <c>TABLE</c>, reply.</summary>
public sealed record OfTableReply : OfMessage
{
    public EquatableList<OfTableStats> Tables = EquatableList<OfTableStats>.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire) => OfList.Exchange(ref wire, ref Tables, static () => new OfTableStats(), static (OfTableStats s, ref OfWire w) => s.Exchange(ref w));
}

/// <summary>One table.</summary>
public sealed record OfTableStats
{
    public byte Table;
    public string Name = "";

    /// <summary>What can be wildcarded (1.0), and what OpenFlow 1.1 and 1.2 say about fields and actions, as it is.</summary>
    public OfBytes Capabilities = OfBytes.Empty;
    public uint MaxEntries;
    public uint ActiveCount;
    public ulong LookupCount;
    public ulong MatchedCount;

    /// <summary>Bytes between name and counters that are not looked into.</summary>
    private static int CapabilityBytes(OfVersion version) => version switch { OfVersion.V10 => 4, OfVersion.V11 => 24, _ => 64 };

    /// <summary>One.</summary>
    internal void Exchange(ref OfWire wire)
    {
        wire.U8(ref Table);
        if (wire.Version >= OfVersion.V13)
        {
            wire.Pad(3);
            wire.U32(ref ActiveCount);
        }
        else
        {
            wire.Pad(wire.Version == OfVersion.V10 ? 3 : 7);
            wire.Text(ref Name, 32);
            int bytes = CapabilityBytes(wire.Version);
            if (wire.IsReading) Capabilities = new OfBytes(wire.Reader.Take(bytes).ToArray());
            else if (Capabilities.Count == bytes) wire.Writer.Bytes(Capabilities.Span);
            else wire.Pad(bytes);
            wire.U32(ref MaxEntries);
            wire.U32(ref ActiveCount);
        }

        wire.U64(ref LookupCount);
        wire.U64(ref MatchedCount);
    }
}

/// <summary>Multipart <c>TABLE_DESC</c>, reply.</summary>
public sealed record OfTableDescReply : OfMessage
{
    public EquatableList<OfTableDesc> Tables = EquatableList<OfTableDesc>.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire) => OfList.Exchange(ref wire, ref Tables, static () => new OfTableDesc(), static (OfTableDesc t, ref OfWire w) => OfList.Sized(ref w, t, static (OfTableDesc t, ref OfWire w) => t.Exchange(ref w)));
}

/// <summary>Configuration of one table.</summary>
public sealed record OfTableDesc
{
    public byte Table;
    public uint Config;
    public OfBytes Properties = OfBytes.Empty;

    /// <summary>What stands behind the length.</summary>
    internal void Exchange(ref OfWire wire)
    {
        wire.U8(ref Table);
        wire.Pad(1);
        wire.U32(ref Config);
        wire.Rest(ref Properties);
    }
}

/// <summary><c>OFPT_TABLE_STATUS</c>: a table has become nearly full, or is so no more.</summary>
public sealed record OfTableStatus : OfMessage
{
    /// <summary><c>OFPTR_VACANCY_DOWN</c>.</summary>
    public const byte VacancyDown = 3;

    /// <summary><c>OFPTR_VACANCY_UP</c>.</summary>
    public const byte VacancyUp = 4;

    /// <summary>One of them.</summary>
    public byte Reason;

    /// <summary>The table as it is then.</summary>
    public OfTableDesc Table = new();

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U8(ref Reason);
        wire.Pad(7);
        OfList.Sized(ref wire, Table, static (OfTableDesc t, ref OfWire w) => t.Exchange(ref w));
    }
}

/// <summary>Multipart <c>TABLE_FEATURES</c>, reply.</summary>
public sealed record OfTableFeaturesReply : OfMessage
{
    public EquatableList<OfTableFeatures> Tables = EquatableList<OfTableFeatures>.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire) => OfList.Exchange(ref wire, ref Tables, static () => new OfTableFeatures(), static (OfTableFeatures t, ref OfWire w) => OfList.Sized(ref w, t, static (OfTableFeatures t, ref OfWire w) => t.Exchange(ref w)));
}

/// <summary>What one table can do; what it says about fields and actions is not looked into.</summary>
public sealed record OfTableFeatures
{
    public byte Table;
    public byte Command;
    public uint Features;
    public string Name = "";
    public ulong MetadataMatch = ulong.MaxValue;
    public ulong MetadataWrite = ulong.MaxValue;
    public uint Capabilities;
    public uint MaxEntries;
    public OfBytes Properties = OfBytes.Empty;

    /// <summary>What stands behind the length.</summary>
    internal void Exchange(ref OfWire wire)
    {
        wire.U8(ref Table);
        wire.U8(ref Command);
        wire.U32(ref Features);
        wire.Text(ref Name, 32);
        wire.U64(ref MetadataMatch);
        wire.U64(ref MetadataWrite);
        wire.U32(ref Capabilities);
        wire.U32(ref MaxEntries);
        wire.Rest(ref Properties);
    }
}
