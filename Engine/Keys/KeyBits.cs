using System.Runtime.Intrinsics;

namespace Mergeflow.Engine.Keys;

/// <summary>Bitwise arithmetic on whole flow keys.</summary>
public static class KeyBits
{
    /// <summary>dst |= a.</summary>
    public static void OrInto(ref FlowKey dst, ref FlowKey a)
    {
        for (int i = 0; i < FlowKey.LaneCount; i++) FlowKey.Lane(ref dst, i) |= FlowKey.Lane(ref a, i);
    }

    /// <summary>dst = a &amp; ~b.</summary>
    public static void AndNot(ref FlowKey a, ref FlowKey b, ref FlowKey dst)
    {
        for (int i = 0; i < FlowKey.LaneCount; i++) FlowKey.Lane(ref dst, i) = Vector256.AndNot(FlowKey.Lane(ref a, i), FlowKey.Lane(ref b, i));
    }

    /// <summary>True if a &amp; b has a bit set.</summary>
    public static bool Intersects(ref FlowKey a, ref FlowKey b)
    {
        Vector256<byte> any = default;
        for (int i = 0; i < FlowKey.LaneCount; i++) any |= FlowKey.Lane(ref a, i) & FlowKey.Lane(ref b, i);
        return any != Vector256<byte>.Zero;
    }

    /// <summary>True if no bit is set.</summary>
    public static bool IsZero(ref FlowKey a)
    {
        Vector256<byte> any = default;
        for (int i = 0; i < FlowKey.LaneCount; i++) any |= FlowKey.Lane(ref a, i);
        return any == Vector256<byte>.Zero;
    }

    /// <summary>Name of the first field with a bit in <paramref name="bits"/>, for explanations.</summary>
    public static string FieldName(ref FlowKey bits)
    {
        PipelineFlow wide = default;
        wide.Key = bits;
        foreach (Field f in Fields.All)
        {
            if (f.Offset < FlowKey.SizeBytes && f.Get(ref wide) != 0) return f.Name;
        }

        return "key";
    }
}
