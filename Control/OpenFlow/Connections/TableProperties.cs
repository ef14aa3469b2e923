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
