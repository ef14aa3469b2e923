namespace Mergeflow.Control.OpenFlow;

/// <summary>Writes <c>learn</c> (OVS <c>encode_LEARN</c>).</summary>
internal static class LearnWriter
{
    /// <summary>Writes it.</summary>
    public static void Write(OfWriter w, OfLearn learn)
    {
        bool isSecond = learn.Limit != 0 || learn.Result is not null;
        ActionWriter.Nicira(w, isSecond ? (ushort)45 : (ushort)16, (learn, isSecond), static (w, l) => Body(w, l.learn, l.isSecond));
    }

    private static void Body(OfWriter w, OfLearn a, bool isSecond)
    {
        w.U16(a.IdleTimeoutSeconds);
        w.U16(a.HardTimeoutSeconds);
        w.U16(a.Priority);
        w.U64(a.Cookie);
        w.U16((ushort)((int)a.Flags | (a.Result is null ? 0 : 4)));
        w.U8(a.Table);
        w.U8(0);
        w.U16(a.FinIdleTimeoutSeconds);
        w.U16(a.FinHardTimeoutSeconds);
        if (isSecond)
        {
            w.U32(a.Limit);
            w.U16((ushort)(a.Result?.Start ?? 0));
            w.U16(0);
            if (a.Result is { } result) ActionWriter.PutHeader(w, result.Field, 0);
        }

        foreach (OfLearnSpec spec in a.Specs)
        {
            w.U16((ushort)(spec.BitCount | ((int)spec.Kind << 11) | (spec.Source is null ? 1 << 13 : 0)));
            if (spec.Source is { } source) Put(w, source);
            else w.Number(spec.Value, (spec.BitCount + 15) / 16 * 2);
            if (spec.Destination is { } to) Put(w, to);
        }
    }

    private static void Put(OfWriter w, Subfield range)
    {
        w.U32(ActionWriter.Header(range.Field));
        w.U16((ushort)range.Start);
    }
}
