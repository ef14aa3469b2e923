using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>What of a connection is seldom touched: place in the timing wheel or free list, limits, hardware counters; 64 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal struct ConnCold
{
    public const int SizeBytes = 64;

    /// <summary>Next in the wheel slot or in the free list; 0 = none.</summary>
    [FieldOffset(0)] public int Next;

    /// <summary>Previous in the wheel slot; 0 = this is the first.</summary>
    [FieldOffset(4)] public int Prev;

    /// <summary>Of the first slot of a block that a thread has passed on (<see cref="ConnTable.GiveBlock"/>): the first of the next block; 0 = this is the last.</summary>
    [FieldOffset(4)] public int NextBlock;

    /// <summary>Its slot in the wheel of its owner, <see cref="ConnExpiry.NotInWheel"/> = in none; only the owner writes it.</summary>
    [FieldOffset(8)] public ushort WheelSlot;

    /// <summary>The packet thread that made the connection: in its wheel, of its slots.</summary>
    [FieldOffset(10)] public ushort Owner;

    /// <summary>Sequence number of the zone's limit when the connection was admitted.</summary>
    [FieldOffset(12)] public uint AdmitSeq;

    /// <summary>Marks of the offload side, which writes it: above 0, changes are reported and the slot gets no other connection.</summary>
    [FieldOffset(16)] public int OffloadRefs;

    /// <summary>Generation that the slot had when this connection began: credits of an older one are another connection's.</summary>
    [FieldOffset(20)] public uint FirstGeneration;

    /// <summary>Bytes that a gateway has inserted into one direction of a TCP connection.</summary>
    [FieldOffset(24)] public int SequenceSkew;

    /// <summary>Next of the owner's <see cref="ConnNotes"/>; 0 = not noted.</summary>
    [FieldOffset(28)] public int NoteNext;

    /// <summary>Counted by hardware; written by the offload side only, while <see cref="OffloadRefs"/> is above 0.</summary>
    [FieldOffset(32)] public CombinedCounter HwOrig;
    [FieldOffset(48)] public CombinedCounter HwReply;
}
