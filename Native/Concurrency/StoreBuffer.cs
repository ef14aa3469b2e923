using System.Runtime.CompilerServices;

namespace Mergeflow.Native;

/// <summary>
/// The store buffer of one x86 processor, for runs that are taken step by step: stores wait here in order, and leave when the run says so or at a
/// fence. That is how a load comes before an earlier store of the same thread.
/// </summary>
public sealed unsafe class StoreBuffer
{
    private readonly Queue<(nint Word, long Value, bool IsWide)> _pending = new();

    /// <summary>Stores that wait.</summary>
    public int Count => _pending.Count;

    /// <summary>The oldest store becomes visible.</summary>
    public void DrainOne()
    {
        (nint word, long value, bool isWide) = _pending.Dequeue();
        if (isWide) Volatile.Write(ref *(long*)word, value);
        else Volatile.Write(ref *(int*)word, (int)value);
    }

    /// <summary>All stores become visible.</summary>
    public void Drain()
    {
        while (_pending.Count > 0) DrainOne();
    }

    internal void Add(ref int word, int value) => _pending.Enqueue(((nint)Unsafe.AsPointer(ref word), value, false));

    internal void Add(ref long word, long value) => _pending.Enqueue(((nint)Unsafe.AsPointer(ref word), value, true));
}
