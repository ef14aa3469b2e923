namespace Mergeflow.Control.OpenFlow;

/// <summary>Writes buckets and properties of groups (OVS <c>ofputil_put_ofp15_bucket</c>).</summary>
internal static class GroupWriter
{
    /// <summary>Buckets as OpenFlow 1.1 to 1.4 have them.</summary>
    public static void Write11(OfWriter w, EquatableList<GroupBucket> buckets)
    {
        foreach (GroupBucket bucket in buckets)
        {
            int start = w.Length;
            w.U16(0);
            w.U16(bucket.Weight);
            w.U32(bucket.WatchPort is { } port ? OfPorts.Widen(port) : uint.MaxValue);
            w.U32(bucket.WatchGroup ?? uint.MaxValue);
            w.Zeros(4);
            ActionWriter.Write(w, bucket.Actions);
            w.PatchLength(start, start);
        }
    }

    /// <summary>What follows the id in the form of OpenFlow 1.5.</summary>
    public static void Write15(OfWriter w, GroupMod mod)
    {
        int at = w.Length;
        w.U16(0);
        w.Zeros(2);
        w.U32(mod.CommandBucketId);
        WriteBody15(w, mod, at);
    }

    /// <summary>Buckets, whose length goes to <paramref name="at"/>, then properties.</summary>
    public static void WriteBody15(OfWriter w, GroupMod mod, int at)
    {
        int start = w.Length;
        foreach (GroupBucket bucket in mod.Buckets) WriteBucket15(w, bucket, mod.Type);
        w.PatchLength(at, start);
        if (mod.SelectionMethod is not { Length: > 0 } method) return;
        int property = OfProperty.Begin(w, OfProperty.Experimenter);
        w.U32(GroupReader.Netronome);
        w.U32(GroupReader.SelectionMethod);
        w.Zeros(4);
        int name = w.Length;
        w.Bytes(System.Text.Encoding.ASCII.GetBytes(method));
        w.Zeros(16 - (w.Length - name));
        w.U64(mod.SelectionParam);
        for (int i = 0; i < mod.HashFields.Count; i++)
        {
            Field field = mod.HashFields[i];
            ActionWriter.PutHeader(w, field, w.Version);
            w.Number(mod.HashMasks?[i] ?? OxmEntry.Ones(field), OxmFields.SizeBytes(field));
        }

        OfProperty.End(w, property);
    }

    private static void WriteBucket15(OfWriter w, GroupBucket bucket, GroupType type)
    {
        int start = w.Length;
        w.U16(0);
        w.U16(0);
        w.U32(bucket.BucketId);
        int actions = w.Length;
        ActionWriter.Write(w, bucket.Actions);
        w.PatchLength(start + 2, actions);
        if (type == GroupType.Select || bucket.Weight != 0) Property(w, 0, bucket.Weight, 2);
        if (bucket.WatchPort is { } port) Property(w, 1, OfPorts.Widen(port), 4);
        if (bucket.WatchGroup is { } group) Property(w, 2, group, 4);
        w.PatchLength(start, start);
    }

    private static void Property(OfWriter w, ushort type, uint value, int byteCount)
    {
        int start = OfProperty.Begin(w, type);
        w.Number(value, byteCount);
        w.Zeros(4 - byteCount);
        OfProperty.End(w, start);
    }
}
