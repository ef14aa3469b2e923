using System.Runtime.InteropServices;

namespace Mergeflow.Engine.Conntrack;

/// <summary>What one packet thread says of the records that it keeps (<see cref="ConnLock"/>), and what it is asked; 128 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal struct ConnKeeper
{
    public const int SizeBytes = 128;

    /// <summary>A kept record is this thread's while its word has this time; only the thread writes it.</summary>
    [FieldOffset(0)] public ulong Time;

    /// <summary>Somebody waits for a record that this thread keeps.</summary>
    [FieldOffset(64)] public int IsAsked;
}
