namespace Mergeflow.Control.OpenFlow;

/// <summary>Multipart <c>GROUP</c>, reply.</summary>
public sealed record OfGroupReply : OfMessage
{
    public EquatableList<OfGroupStats> Groups = EquatableList<OfGroupStats>.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire) => OfList.Exchange(ref wire, ref Groups, static () => new OfGroupStats(), static (OfGroupStats g, ref OfWire w) => OfList.Sized(ref w, g, static (OfGroupStats g, ref OfWire w) => g.Exchange(ref w)));
}

/// <summary>Counters of one group.</summary>
public sealed record OfGroupStats
{
    public uint GroupId;

    /// <summary>Flows and groups that lead to it.</summary>
    public uint ReferenceCount;
    public ulong Packets;
    public ulong Bytes;
    public uint DurationSeconds;
    public uint DurationNanoseconds;

    /// <summary>Packets and bytes of each bucket.</summary>
    public EquatableList<(ulong Packets, ulong Bytes)> Buckets = EquatableList<(ulong, ulong)>.Empty;

    /// <summary>What stands behind the length.</summary>
    internal void Exchange(ref OfWire wire)
    {
        wire.Pad(2);
        wire.U32(ref GroupId);
        wire.U32(ref ReferenceCount);
        wire.Pad(4);
        wire.U64(ref Packets);
        wire.U64(ref Bytes);
        if (wire.Version is OfVersion.V10 or >= OfVersion.V13)
        {
            wire.U32(ref DurationSeconds);
            wire.U32(ref DurationNanoseconds);
        }

        OfCounterPairs.Exchange(ref wire, ref Buckets);
    }
}

/// <summary>Pairs of packets and bytes.</summary>
internal static class OfCounterPairs
{
    /// <summary>Up to the end.</summary>
    public static void Exchange(ref OfWire wire, ref EquatableList<(ulong Packets, ulong Bytes)> pairs)
    {
        if (!wire.IsReading)
        {
            foreach ((ulong packets, ulong bytes) in pairs)
            {
                wire.Writer.U64(packets);
                wire.Writer.U64(bytes);
            }

            return;
        }

        var read = new (ulong, ulong)[wire.Reader.Left / 16];
        for (int i = 0; i < read.Length; i++) read[i] = (wire.Reader.U64(), wire.Reader.U64());
        pairs = new EquatableList<(ulong, ulong)>(read);
    }
}

/// <summary>Multipart <c>GROUP_DESC</c>, request: one group from OpenFlow 1.5 on, and in Nicira's form.</summary>
public sealed record OfGroupDescRequest : OfMessage
{
    public uint GroupId = OfPipeline.AllGroups;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        if (wire.Version is not (OfVersion.V10 or OfVersion.V15)) return;
        wire.U32(ref GroupId);
        wire.Pad(4);
    }
}

/// <summary>Multipart <c>GROUP_DESC</c>, reply.</summary>
public sealed record OfGroupDescReply : OfMessage
{
    public EquatableList<GroupMod> Groups = EquatableList<GroupMod>.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        if (!wire.IsReading)
        {
            foreach (GroupMod group in Groups) Write(wire.Writer, group);
            return;
        }

        List<GroupMod> list = [];
        while (wire.HasMore) list.Add(Read(ref wire.Reader));
        Groups = new EquatableList<GroupMod>(list);
    }

    /// <summary>One; writes only.</summary>
    internal static void Exchange(GroupMod group, ref OfWire wire) => Write(wire.Writer, group);

    private static GroupMod Read(ref OfReader reader)
    {
        int length = reader.U16();
        if (length < 8) throw new OfRefusal("OFPBRC_BAD_LEN", $"a group of {length} bytes");
        OfReader one = reader.Part(length - 2);
        byte type = one.U8();
        one.Skip(1);
        if (type > (byte)GroupType.FastFailover) throw new OfRefusal("OFPGMFC_BAD_TYPE", $"type {type}");
        var group = new GroupMod(GroupModCommand.Add, one.U32(), (GroupType)type, null, 0, EquatableList<Field>.Empty, EquatableList<GroupBucket>.Empty);
        if (one.Version is not (OfVersion.V10 or OfVersion.V15)) return group with { Buckets = GroupReader.Read11(ref one) };
        int bucketBytes = one.U16();
        one.Skip(6);
        GroupReader.ReadBody15(ref one, bucketBytes, ref group);
        return group;
    }

    private static void Write(OfWriter w, GroupMod group)
    {
        int start = w.Length;
        w.U16(0);
        w.U8((byte)group.Type);
        w.U8(0);
        w.U32(group.GroupId);
        if (w.Version is OfVersion.V10 or OfVersion.V15)
        {
            int at = w.Length;
            w.Zeros(8);
            GroupWriter.WriteBody15(w, group, at);
        }
        else
        {
            GroupWriter.Write11(w, group.Buckets);
        }

        w.PatchLength(start, start);
    }
}

/// <summary>Multipart <c>GROUP_FEATURES</c>, reply; for each type of group a limit and what its buckets may do.</summary>
public sealed record OfGroupFeatures : OfMessage
{
    public const int TypeCount = 4;

    public uint Types;
    public uint Capabilities;
    public EquatableList<uint> MaxGroups = new(new uint[TypeCount]);
    public EquatableList<uint> Actions = new(new uint[TypeCount]);

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U32(ref Types);
        wire.U32(ref Capabilities);
        ExchangeFour(ref wire, ref MaxGroups);
        ExchangeFour(ref wire, ref Actions);
    }

    private static void ExchangeFour(ref OfWire wire, ref EquatableList<uint> numbers)
    {
        uint[] four = [.. numbers];
        for (int i = 0; i < four.Length; i++) wire.U32(ref four[i]);
        numbers = new EquatableList<uint>(four);
    }
}
