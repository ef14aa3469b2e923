using System.Runtime.CompilerServices;

namespace Mergeflow.Native;

/// <summary>
/// The store buffer of one x86 processor, for runs that are taken step by step: stores wait here in order, and leave when the run says so or at a
/// fence. That is how a load comes before an earlier store of the same thread.
/// </summary>
public sealed unsafe class StoreBuffer
{
    private readonly Queue<(nint Word, int Value)> _pending = new();

    /// <summary>Stores that wait.</summary>
    public int Count => _pending.Count;

    /// <summary>The oldest store becomes visible.</summary>
    public void DrainOne()
    {
        (nint word, int value) = _pending.Dequeue();
        Volatile.Write(ref *(int*)word, value);
    }

    /// <summary>All stores become visible.</summary>
    public void Drain()
    {
        while (_pending.Count > 0) DrainOne();
    }

    internal void Add(ref int word, int value) => _pending.Enqueue(((nint)Unsafe.AsPointer(ref word), value));
}
