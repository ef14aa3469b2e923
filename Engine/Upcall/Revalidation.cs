using System.Runtime.InteropServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Xlate;

namespace Mergeflow.Engine.Upcall;

/// <summary>What becomes of a megaflow when the tables have changed (OVS <c>enum reval_result</c>).</summary>
public enum RevalidationVerdict
{
    /// <summary>It is as it would be made now.</summary>
    Keep,

    /// <summary>Its packets belong together still, but something else has to be done with them.</summary>
    Modify,

    /// <summary>Its packets no longer belong together, or nothing can be said about them.</summary>
    Delete,
}

/// <summary>Decides whether a megaflow survives a change of the tables (OVS <c>revalidate_ukey</c>).</summary>
public static partial class Revalidation
{
    /// <summary>The same, and if the program is another: whether it may take the old one's place under the same mask.</summary>
    public static RevalidationVerdict Judge(
        ref FlowKey fullKey,
        int packetLengthBytes,
        Translator translator,
        XlateResult scratch,
        ReadOnlySpan<DpAction> oldActions,
        ref FlowKey oldMask,
        long nowMs)
    {
        translator.Translate(ref fullKey, packetLengthBytes, scratch, nowMs, ref oldMask);
        if (scratch.IsUncertain) return RevalidationVerdict.Delete;
        for (int i = 0; i < FlowKey.LaneCount; i++)
        {
            var mask = FlowKey.Lane(ref scratch.Mask, i);
            if ((mask & FlowKey.Lane(ref oldMask, i)) != mask) return RevalidationVerdict.Delete;
        }

        if (MemoryMarshal.AsBytes(scratch.Actions).SequenceEqual(MemoryMarshal.AsBytes(oldActions))) return RevalidationVerdict.Keep;
        return scratch.Error is null ? RevalidationVerdict.Modify : RevalidationVerdict.Delete;
    }
}
