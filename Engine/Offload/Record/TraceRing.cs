using System.Numerics;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// Traces on their way from one packet thread to the offload thread. The ring owns the trace objects: a packet thread records straight into
/// the next free one, so that nothing is copied or allocated.
/// </summary>
/// <remarks>
/// Protocol, one producer and one consumer. 1. The producer takes slot <c>tail</c> if <c>tail - head &lt; capacity</c> (acquire load of head) and
/// records into it. 2. It publishes with a release store of <c>tail + 1</c>; leaving that out abandons the recording. 3. The consumer sees
/// <c>tail</c> with an acquire load and reads slot <c>head</c>. 4. It gives the slot back with a release store of <c>head + 1</c>.
/// </remarks>
public sealed partial class TraceRing
{
    private readonly Trace[] _slots;
    private readonly int _mask;
    private uint _head;
    private uint _tail;

    /// <summary>A ring of <paramref name="capacity"/> traces, rounded up to a power of two.</summary>
    public TraceRing(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _slots = new Trace[BitOperations.RoundUpToPowerOf2((uint)capacity)];
        _mask = _slots.Length - 1;
        for (int i = 0; i < _slots.Length; i++) _slots[i] = new Trace();
    }

    /// <summary>Traces waiting.</summary>
    public int Count => (int)(Volatile.Read(ref _tail) - Volatile.Read(ref _head));

    /// <summary>Step 1: an empty trace to record into, or null when the ring is full.</summary>
    public Trace? TryBegin()
    {
        Interleaving.Step("R1 head");
        if (_tail - Volatile.Read(ref _head) > (uint)_mask) return null;
        Trace t = _slots[_tail & (uint)_mask];
        t.Reset();
        return t;
    }

    /// <summary>Step 2: hands over the trace of the last <see cref="TryBegin"/>.</summary>
    public void Publish()
    {
        Interleaving.Step("R2 tail");
        Volatile.Write(ref _tail, _tail + 1);
    }

    /// <summary>Step 3: the oldest trace, or null.</summary>
    public Trace? Peek()
    {
        Interleaving.Step("R3 tail");
        return Volatile.Read(ref _tail) == _head ? null : _slots[_head & (uint)_mask];
    }

    /// <summary>Step 4: done with the oldest trace.</summary>
    public void Release()
    {
        Interleaving.Step("R4 head");
        Volatile.Write(ref _head, _head + 1);
    }
}
