using System.Runtime.CompilerServices;

namespace Mergeflow.Native;

/// <summary>Bounded queue from any number of producer threads to one consumer thread (after D. Vyukov's bounded MPMC queue).</summary>
/// <remarks>
/// <code>
/// memory: [ Head | pad ][ Tail | pad ][ turn 0, record 0 ][ turn 1, record 1 ] ...
/// Tail counts claims, Head counts records taken out. The turn of slot s says whose turn it is:
///   turn == n              producer of record n may write      (n mod capacity == s)
///   turn == n + 1          consumer may read record n
///   turn == n + capacity   free again, for record n + capacity
/// </code>
/// Protocol:
/// <list type="number">
/// <item>A producer reads Tail = n, then the turn of slot n (acquire: pairs with 7, the old record has been copied out). A turn below n: full. A turn above n: another producer was faster, start again.</item>
/// <item>It claims n by compare-and-swap of Tail from n to n + 1 (full fence). Whoever fails starts again.</item>
/// <item>It writes the record. Nobody else touches the slot: the consumer waits for the turn.</item>
/// <item>It publishes the record by turn = n + 1 (release: the record is visible no later than the turn).</item>
/// <item>The consumer reads the turn of slot Head = m (acquire: pairs with 4). Anything but m + 1: empty, or claimed and not yet published; records behind it wait, so order of claims is order of delivery.</item>
/// <item>It copies the record out.</item>
/// <item>It frees the slot by turn = m + capacity (release: the copy is done before a producer can see the slot as free).</item>
/// </list>
/// A producer that stalls between 2 and 4 holds up the consumer, not the other producers (until the ring is full). Nothing waits in here.
/// </remarks>
/// <typeparam name="T">The record; copied, so keep it small.</typeparam>
public sealed unsafe class MpscRing<T> : IDisposable
    where T : unmanaged
{
    private readonly PinnedBlock _memory;
    private readonly RingIndices* _indices;
    private readonly MpscSlot<T>* _slots;
    private readonly long _mask;

    /// <summary>Makes an empty ring.</summary>
    /// <param name="capacity">Number of records it can hold, a power of two, at least 2 (with one slot "full" and "free" would be the same turn).</param>
    /// <exception cref="ArgumentOutOfRangeException">No power of two, or less than 2.</exception>
    public MpscRing(int capacity)
    {
        if (!int.IsPow2(capacity) || capacity < 2) throw new ArgumentOutOfRangeException(nameof(capacity), capacity, "The capacity of a ring is a power of two, at least 2.");
        _memory = PinnedMemory.Allocate(RingIndices.SizeBytes + ((nuint)capacity * (nuint)sizeof(MpscSlot<T>)), 128);
        _indices = (RingIndices*)_memory.Pointer;
        _slots = (MpscSlot<T>*)(_memory.Pointer + RingIndices.SizeBytes);
        _mask = capacity - 1;
        for (int i = 0; i < capacity; i++) _slots[i].Turn = i;
        Thread.MemoryBarrier();
    }

    /// <summary>Number of records it can hold.</summary>
    public int Capacity => (int)_mask + 1;

    /// <summary>Number of records in it or being written; a glimpse, exact only while nobody else works on the ring.</summary>
    public int Count => (int)Math.Clamp(Volatile.Read(ref _indices->Tail) - Volatile.Read(ref _indices->Head), 0, Capacity);

    /// <summary>Puts a record in; false if the ring is full. Any thread.</summary>
    public bool TryEnqueue(in T record)
    {
        long tail = Volatile.Read(ref _indices->Tail);
        while (true)
        {
            MpscSlot<T>* slot = _slots + (tail & _mask);
            long turn = Volatile.Read(ref slot->Turn); // 1 acquire
            if (turn == tail)
            {
                long found = Interlocked.CompareExchange(ref _indices->Tail, tail + 1, tail); // 2 full fence
                if (found == tail)
                {
                    slot->Record = record; // 3
                    Volatile.Write(ref slot->Turn, tail + 1); // 4 release
                    return true;
                }

                tail = found;
            }
            else if (turn < tail)
            {
                return false;
            }
            else
            {
                tail = Volatile.Read(ref _indices->Tail);
            }
        }
    }

    /// <summary>Takes the oldest record out; false if there is none that is published. Consumer thread only.</summary>
    public bool TryDequeue(out T record)
    {
        long head = _indices->Head;
        MpscSlot<T>* slot = _slots + (head & _mask);
        if (Volatile.Read(ref slot->Turn) != head + 1) // 5 acquire
        {
            Unsafe.SkipInit(out record);
            return false;
        }

        record = slot->Record; // 6
        Volatile.Write(ref slot->Turn, head + Capacity); // 7 release
        Volatile.Write(ref _indices->Head, head + 1); // for Count only
        return true;
    }

    /// <summary>Takes out as many records as there are and fit, in order. Consumer thread only.</summary>
    /// <returns>How many were taken out.</returns>
    public int DequeueBatch(Span<T> records)
    {
        int count = 0;
        while (count < records.Length && TryDequeue(out T record)) records[count++] = record;
        return count;
    }

    /// <summary>Frees the memory. All threads must have stopped.</summary>
    public void Dispose() => _memory.Dispose();
}
