using System.Runtime.CompilerServices;

namespace Mergeflow.Native;

/// <summary>Bounded queue from one producer thread to one consumer thread; neither ever waits (DPDK <c>rte_ring</c>, SP/SC).</summary>
/// <remarks>
/// <code>
/// memory: [ Head TailSeen | pad ][ Tail HeadSeen | pad ][ slot 0 ][ slot 1 ] ... [ slot capacity-1 ]
/// Head and Tail only grow; record n lies in slot n mod capacity; Tail - Head records are in the ring.
/// </code>
/// Protocol:
/// <list type="number">
/// <item>The producer compares its Tail with HeadSeen; if that looks full it reads Head (acquire: pairs with 6, the slot has been copied out).</item>
/// <item>It writes the slots behind Tail. The consumer does not touch them, because they are not published.</item>
/// <item>It publishes them by writing Tail (release: the slots are visible no later than the index).</item>
/// <item>The consumer compares its Head with TailSeen; if that looks empty it reads Tail (acquire: pairs with 3).</item>
/// <item>It copies the slots out.</item>
/// <item>It gives them back by writing Head (release: the copies are done before the producer can see the slots as free).</item>
/// </list>
/// </remarks>
/// <typeparam name="T">The record; copied, so keep it small.</typeparam>
public sealed unsafe class SpscRing<T> : IDisposable
    where T : unmanaged
{
    private readonly PinnedBlock _memory;
    private readonly RingIndices* _indices;
    private readonly T* _slots;
    private readonly long _mask;

    /// <summary>Makes an empty ring.</summary>
    /// <param name="capacity">Number of records it can hold, a power of two.</param>
    /// <exception cref="ArgumentOutOfRangeException">No power of two.</exception>
    public SpscRing(int capacity)
    {
        if (!int.IsPow2(capacity)) throw new ArgumentOutOfRangeException(nameof(capacity), capacity, "The capacity of a ring is a power of two.");
        _memory = PinnedMemory.Allocate(RingIndices.SizeBytes + ((nuint)capacity * (nuint)sizeof(T)), 128);
        _indices = (RingIndices*)_memory.Pointer;
        _slots = (T*)(_memory.Pointer + RingIndices.SizeBytes);
        _mask = capacity - 1;
    }

    /// <summary>Number of records it can hold.</summary>
    public int Capacity => (int)_mask + 1;

    /// <summary>Number of records in it; a glimpse, exact only while nobody else works on the ring.</summary>
    public int Count => (int)Math.Clamp(Volatile.Read(ref _indices->Tail) - Volatile.Read(ref _indices->Head), 0, Capacity);

    /// <summary>Puts a record in; false if the ring is full. Producer thread only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnqueue(in T record)
    {
        RingIndices* x = _indices;
        long tail = x->Tail;
        if (tail - x->HeadSeen > _mask)
        {
            x->HeadSeen = Volatile.Read(ref x->Head); // 1 acquire
            if (tail - x->HeadSeen > _mask) return false;
        }

        _slots[tail & _mask] = record; // 2
        Volatile.Write(ref x->Tail, tail + 1); // 3 release
        return true;
    }

    /// <summary>Takes the oldest record out; false if the ring is empty. Consumer thread only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryDequeue(out T record)
    {
        RingIndices* x = _indices;
        long head = x->Head;
        if (head == x->TailSeen)
        {
            x->TailSeen = Volatile.Read(ref x->Tail); // 4 acquire
            if (head == x->TailSeen)
            {
                Unsafe.SkipInit(out record);
                return false;
            }
        }

        record = _slots[head & _mask]; // 5
        Volatile.Write(ref x->Head, head + 1); // 6 release
        return true;
    }

    /// <summary>Puts in as many records as fit, in order, and publishes them at once. Producer thread only.</summary>
    /// <returns>How many were put in.</returns>
    public int EnqueueBatch(ReadOnlySpan<T> records)
    {
        RingIndices* x = _indices;
        long tail = x->Tail;
        if (Capacity - (tail - x->HeadSeen) < records.Length) x->HeadSeen = Volatile.Read(ref x->Head); // 1 acquire
        int count = (int)Math.Min(records.Length, Capacity - (tail - x->HeadSeen));
        int first = Math.Min(count, Capacity - (int)(tail & _mask));
        records[..first].CopyTo(new Span<T>(_slots + (tail & _mask), first)); // 2
        records[first..count].CopyTo(new Span<T>(_slots, count - first)); // 2, the part that wraps
        Volatile.Write(ref x->Tail, tail + count); // 3 release
        return count;
    }

    /// <summary>Takes out as many records as there are and fit, in order. Consumer thread only.</summary>
    /// <returns>How many were taken out.</returns>
    public int DequeueBatch(Span<T> records)
    {
        RingIndices* x = _indices;
        long head = x->Head;
        if (x->TailSeen - head < records.Length) x->TailSeen = Volatile.Read(ref x->Tail); // 4 acquire
        int count = (int)Math.Min(records.Length, x->TailSeen - head);
        int first = Math.Min(count, Capacity - (int)(head & _mask));
        new ReadOnlySpan<T>(_slots + (head & _mask), first).CopyTo(records); // 5
        new ReadOnlySpan<T>(_slots, count - first).CopyTo(records[first..]); // 5, the part that wraps
        Volatile.Write(ref x->Head, head + count); // 6 release
        return count;
    }

    /// <summary>Frees the memory. Both threads must have stopped.</summary>
    public void Dispose() => _memory.Dispose();
}
