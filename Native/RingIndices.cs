using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>
/// The shared state of a ring, one writer per 128-byte block: a line that two cores write costs both of them, and the prefetcher of
/// x86 fetches lines in pairs.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal struct RingIndices
{
    public const int SizeBytes = 256;

    /// <summary>Number of records taken out since the ring was made. Written by the consumer.</summary>
    [FieldOffset(0)] public long Head;

    /// <summary>The consumer's last look at <see cref="Tail"/>.</summary>
    [FieldOffset(8)] public long TailSeen;

    /// <summary>Number of records put in (single producer) or claimed (several). Written by the producers.</summary>
    [FieldOffset(128)] public long Tail;

    /// <summary>The producer's last look at <see cref="Head"/>.</summary>
    [FieldOffset(136)] public long HeadSeen;
}
