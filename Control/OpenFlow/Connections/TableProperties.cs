using System.Collections.Concurrent;

namespace Mergeflow.Control.OpenFlow;

/// <summary>What a table can do, as properties of <c>TABLE_FEATURES</c> (OVS <c>ofputil_append_table_features</c>).</summary>
internal static class TableProperties
{
    private const ushort Instructions = 0;
    private const ushort NextTables = 2;
    private const ushort WriteActions = 4;
    private const ushort ApplyActions = 6;
    private const ushort Matches = 8;
    private const ushort Wildcards = 10;
    private const ushort WriteSetField = 12;
    private const ushort ApplySetField = 14;

    /// <summary>output, group, set_field, VLAN, MPLS, TTL, queue: <c>OFPAT_*</c>.</summary>
    private static readonly byte[] s_actions = [0, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25];

    private static readonly ConcurrentDictionary<(OfVersion, int), OfBytes> s_made = new();

    /// <summary>Those of one table.</summary>
    public static OfBytes Of(OfVersion version, int table, int tableCount) => s_made.GetOrAdd((version, table), key => Make(key.Item1, key.Item2, tableCount));

    /// <summary>What OpenFlow 1.2 tells of a table: fields, actions and instructions as sets of bits (<c>struct ofp12_table_stats</c>, from <c>match</c> to <c>config</c>).</summary>
    public static OfBytes Of12(int table, int tableCount)
    {
        const uint missToController = 0;
        ulong fields = FieldSet(static _ => true), settable = FieldSet(static f => f.Writable);
        uint actions = s_actions.Aggregate(0u, static (set, id) => set | (1u << id)), all = 0b11_1110, gotoTable = 1u << 1;
        var w = new OfWriter(OfVersion.V12);
        w.U64(fields);
        w.U64(fields);
        w.U32(actions);
        w.U32(actions);
        w.U64(settable);
        w.U64(settable);
        w.U64(ulong.MaxValue);
        w.U64(ulong.MaxValue);
        w.U32(table + 1 < tableCount ? all : all & ~gotoTable);
        w.U32(missToController);
        return new OfBytes(w.Written.ToArray());
    }

    /// <summary>The same in OpenFlow 1.1 (<c>struct ofp11_table_stats</c>, from <c>wildcards</c> to <c>config</c>).</summary>
    public static OfBytes Of11(int table, int tableCount)
    {
        const uint fields = 0xfbff, actions = 0x01ff_e7ff, all = 0b11_1110, gotoTable = 1u << 1, missToController = 0;
        var w = new OfWriter(OfVersion.V11);
        foreach (uint set in (ReadOnlySpan<uint>)[fields, fields, table + 1 < tableCount ? all : all & ~gotoTable, actions, actions, missToController]) w.U32(set);
        return new OfBytes(w.Written.ToArray());
    }

    /// <summary>Fields of the standard by their numbers.</summary>
    private static ulong FieldSet(Func<Field, bool> isMeant)
    {
        const ushort basic = 0x8000;
        ulong set = 0;
        foreach (Field field in Fields.All)
        {
            if (isMeant(field) && OxmFields.Of(field.Id, OfVersion.V12) is { Class: basic, Number: < 64 } row) set |= 1ul << row.Number;
        }

        return set;
    }

    private static OfBytes Make(OfVersion version, int table, int tableCount)
    {
        var w = new OfWriter(version);
        byte[] instructions = version >= OfVersion.V13 ? [1, 2, 3, 4, 5, 6] : [1, 2, 3, 4, 5];
        Ids(w, Instructions, table + 1 < tableCount ? instructions : instructions[1..]);
        int next = OfProperty.Begin(w, NextTables);
        for (int t = table + 1; t < tableCount; t++) w.U8((byte)t);
        OfProperty.End(w, next);
        Ids(w, WriteActions, s_actions);
        Ids(w, ApplyActions, s_actions);
        FieldList(w, Matches, static _ => true);
        FieldList(w, Wildcards, static _ => true);
        FieldList(w, WriteSetField, static f => f.Writable);
        FieldList(w, ApplySetField, static f => f.Writable);
        return new OfBytes(w.Written.ToArray());
    }

    private static void Ids(OfWriter w, ushort type, byte[] ids)
    {
        int start = OfProperty.Begin(w, type);
        foreach (byte id in ids)
        {
            w.U16(id);
            w.U16(4);
        }

        OfProperty.End(w, start);
    }

    private static void FieldList(OfWriter w, ushort type, Func<Field, bool> isMeant)
    {
        int start = OfProperty.Begin(w, type);
        foreach (Field field in Fields.All)
        {
            if (!isMeant(field) || OxmFields.Of(field.Id, w.Version) is not { } row) continue;
            bool hasMask = type == Matches && field.Maskable;
            row.Write(w, hasMask, OxmFields.SizeBytes(field) * (hasMask ? 2 : 1));
        }

        OfProperty.End(w, start);
    }
}
