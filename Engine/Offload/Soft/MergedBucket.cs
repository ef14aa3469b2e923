using System.Runtime.InteropServices;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// One cache line of the merged-flow index: seven signatures and seven rule slots (slot + 1; 0 = empty), and how many rules whose place this
/// is had to go to their second bucket.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal unsafe struct MergedBucket
{
    public const int Ways = 7;

    [FieldOffset(0)] public fixed uint Signature[Ways];
    [FieldOffset(28)] public uint Spilled;
    [FieldOffset(32)] public fixed uint Slot[Ways];
}
