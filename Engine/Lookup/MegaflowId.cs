namespace Mergeflow.Engine.Lookup;

/// <summary>
/// Names of megaflows. A packet thread's table numbers its slots from 0 on; where megaflows of several threads meet, the thread's index stands above
/// the slot, so those of thread 0 have the same name everywhere.
/// </summary>
public static class MegaflowId
{
    /// <summary>Most slots of one thread's table.</summary>
    public const int MaxSlots = 1 << SlotBits;

    private const int SlotBits = 24;

    /// <summary>The name of slot <paramref name="slot"/> of thread <paramref name="pmd"/>.</summary>
    public static int Of(int pmd, int slot) => (pmd << SlotBits) | slot;

    /// <summary>Index of the thread.</summary>
    public static int PmdOf(int id) => id >> SlotBits;

    /// <summary>Slot in its table.</summary>
    public static int SlotOf(int id) => id & (MaxSlots - 1);
}
