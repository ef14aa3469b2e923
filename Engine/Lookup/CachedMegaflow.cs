using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.Lookup;

/// <summary>
/// An answer of <see cref="ExactMatchCache"/>: bits 0..31 megaflow id + 1 (0 = nothing found), bits 32..47 the low half of the generation that the
/// megaflow had when it was cached. It counts only if <see cref="IsCurrent"/>.
/// </summary>
public readonly struct CachedMegaflow(ulong word)
{
    /// <summary>Nothing was found.</summary>
    public static CachedMegaflow None => default;

    /// <summary>Something was found.</summary>
    public bool IsFound
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (uint)word != 0;
    }

    /// <summary>Slot of the megaflow; -1 = none.</summary>
    public int Id
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (int)word - 1;
    }

    /// <summary>The megaflow that was cached is still the one in its slot, and alive: deletion moves the generation.</summary>
    /// <param name="generation"><see cref="MegaflowHot.Generation"/> of slot <see cref="Id"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsCurrent(uint generation) => (ushort)(word >> 32) == (ushort)generation;
}
