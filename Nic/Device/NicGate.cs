using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <summary>
/// Lets receivers into the tables while nobody changes them. Entering costs a receiver one store and one load; the writer pays.
/// </summary>
/// <remarks>
/// Protocol. Reader r has a word <c>inside[r]</c> on a cache line of its own; there is one word <c>closed</c>, written by one writer.
/// <code>
/// reader                                          writer
/// R1  inside[r] = 1                               W1  closed = 1
/// R2  read closed; 0 -> go in                     W2  fence on all threads of the process
/// R3  else inside[r] = 0, wait for closed == 0,   W3  wait for inside[i] == 0 for every i
///     again from R1                               W4  change the tables
/// R4  use the tables                              W5  closed = 0 (release)
/// R5  inside[r] = 0 (release)
/// </code>
/// R1 may still be in a store buffer when R2 reads. The fence of W2 drains it: either R1 is before W2 and W3 sees it, or R2 is after W2 and
/// sees W1. R5/W3 and W5/R2 are release/acquire pairs, so neither side sees half of the other's work.
/// A reader must not close the gate while it is inside.
/// </remarks>
public sealed class NicGate<TFence>
    where TFence : struct, IGateFence
{
    /// <summary>Most readers.</summary>
    public const int MaxReaders = 64;

    private readonly GateReaderWord[] _inside = GC.AllocateArray<GateReaderWord>(MaxReaders, pinned: true);
    private int _readerCount;
    private int _closed;

    /// <summary>Admits one more reader and returns its number. Throws <see cref="InvalidOperationException"/> beyond <see cref="MaxReaders"/>.</summary>
    public int AddReader()
    {
        int reader = Interlocked.Increment(ref _readerCount) - 1;
        if (reader >= MaxReaders) throw new InvalidOperationException($"at most {MaxReaders} receive queues");
        return reader;
    }

    /// <summary>Goes in; waits while the gate is closed.</summary>
    public void Enter(int reader)
    {
        Interleaving.Store(ref _inside[reader].Value, 1, "R1");
        Interleaving.Step("R2");
        if (Volatile.Read(ref _closed) == 0) return; // R2
        EnterSlow(reader);
    }

    /// <summary>Goes out.</summary>
    public void Exit(int reader) => Interleaving.Store(ref _inside[reader].Value, 0, "R5");

    /// <summary>Shuts the readers out and waits for those inside. One writer at a time.</summary>
    public void Close()
    {
        Interleaving.Step("W1");
        Volatile.Write(ref _closed, 1);
        TFence.Synchronize(); // W2
        var spin = new SpinWait();
        for (int i = 0; i < MaxReaders; i++)
        {
            if (i < Volatile.Read(ref _readerCount)) Interleaving.Step("W3");
            while (Volatile.Read(ref _inside[i].Value) != 0) Interleaving.Wait(ref spin, "W3 wait");
        }
    }

    /// <summary>Lets the readers in again.</summary>
    public void Open()
    {
        Interleaving.Step("W5");
        Volatile.Write(ref _closed, 0);
    }

    private void EnterSlow(int reader)
    {
        var spin = new SpinWait();
        do
        {
            Interleaving.Store(ref _inside[reader].Value, 0, "R3");
            while (Volatile.Read(ref _closed) != 0) Interleaving.Wait(ref spin, "R3 wait");
            Interleaving.Store(ref _inside[reader].Value, 1, "R1");
            Interleaving.Fence("R1 fence");
        }
        while (Volatile.Read(ref _closed) != 0);
    }
}

/// <summary>How the writer of a <see cref="NicGate{TFence}"/> makes sure that it sees readers that are already inside.</summary>
public interface IGateFence
{
    /// <summary>Orders every thread's earlier stores before the caller's later loads.</summary>
    static abstract void Synchronize();
}

/// <summary>membarrier(2): costs the rare writer about a microsecond and the readers nothing.</summary>
public readonly struct ProcessWideFence : IGateFence
{
    /// <inheritdoc/>
    public static void Synchronize() => Interleaving.FenceAll("W2");
}

/// <summary>One reader's word of a <see cref="NicGate{TFence}"/>, on two cache lines of its own: the prefetcher fetches lines in pairs.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct GateReaderWord
{
    /// <summary>1 = inside.</summary>
    [FieldOffset(0)] public int Value;
}
