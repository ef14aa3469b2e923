using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Lookup;

/// <summary>The cache line of a megaflow that the packet path touches.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public unsafe struct MegaflowHot
{
    /// <summary>Program: <see cref="ActionCount"/> records.</summary>
    [FieldOffset(0)] public DpAction* Actions;
    [FieldOffset(8)] public int ActionCount;
    [FieldOffset(12)] public int Id;

    /// <summary>Packets seen by the software path; of the thread that owns the table. Credits are in <see cref="MegaflowCredit"/>.</summary>
    [FieldOffset(16)] public ulong Packets;
    [FieldOffset(24)] public ulong Bytes;
    [FieldOffset(32)] public long LastUsedMs;

    /// <summary>Copy of the managed object's generation.</summary>
    [FieldOffset(40)] public uint Generation;

    /// <summary>OR of the TCP flags seen.</summary>
    [FieldOffset(44)] public ushort TcpFlags;

    /// <summary>1 once the megaflow is deleted: caches must not use it.</summary>
    [FieldOffset(46)] public byte Dead;

    /// <summary>Shape of the program, for the fast path: see <see cref="ProgramShape"/>.</summary>
    [FieldOffset(47)] public ProgramShape Shape;

    /// <summary>For <see cref="ProgramShape.OutputOnly"/>: the port.</summary>
    [FieldOffset(48)] public uint OutPort;

    /// <summary>Value of <see cref="MegaflowTable.Epoch"/> when it was last known to be true; looked at while <see cref="MegaflowTable.IsInDoubt"/>.</summary>
    [FieldOffset(52)] public uint TrueIn;

    /// <summary>A packet was found to be of the megaflow: the one place where a hit is counted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CountHit(MegaflowHot* hot, Packet* p, ulong lengthBytes, long nowMs)
    {
        hot->Packets++;
        hot->Bytes += lengthBytes;
        hot->LastUsedMs = nowMs;
        hot->TcpFlags |= p->Key.TcpFlags.Raw;
    }
}
