using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Xlate;

namespace Mergeflow.Engine.Upcall;

/// <remarks>What only tests look at.</remarks>
public static partial class Revalidation
{
    /// <summary>
    /// Translates the megaflow's original packet again into <paramref name="scratch"/>. True if the program is the same and depends on no
    /// bit outside <paramref name="oldMask"/>: then every packet of the megaflow still gets what it would get from the tables.
    /// Rules are ruled out with the old mask's bits where that is possible, so a change elsewhere in a table does not disturb the megaflow.
    /// </summary>
    public static bool StillValid(
        ref FlowKey fullKey,
        int packetLengthBytes,
        Translator translator,
        XlateResult scratch,
        ReadOnlySpan<DpAction> oldActions,
        ref FlowKey oldMask,
        long nowMs)
        => Judge(ref fullKey, packetLengthBytes, translator, scratch, oldActions, ref oldMask, nowMs) == RevalidationVerdict.Keep;
}
