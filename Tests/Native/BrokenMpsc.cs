namespace Mergeflow.Tests;

/// <summary>The protocol of the several-producers ring in safe code, with one step broken and the window there widened now and then.</summary>
internal sealed class BrokenMpsc : IRecordQueue
{
    private readonly RingRecord[] _records;
    private readonly long[] _turns;
    private readonly MpscBreakage _breakage;
    private long _head;
    private long _tail;

    public BrokenMpsc(int capacity, MpscBreakage breakage)
    {
        _breakage = breakage;
        _records = new RingRecord[capacity];
        _turns = new long[capacity];
        for (int i = 0; i < capacity; i++) _turns[i] = i;
    }

    public bool TryEnqueue(in RingRecord record)
    {
        // Bounded: a broken claim can leave Tail behind the turns for good, and then nobody gets further.
        for (int attempt = 0; attempt < 100; attempt++)
        {
            long tail = Volatile.Read(ref _tail);
            long slot = tail % _turns.Length;
            long turn = Volatile.Read(ref _turns[slot]);
            if (turn < tail) return false;
            if (turn > tail || !Claim(tail)) continue;
            if (_breakage == MpscBreakage.PublishedBeforeWritten) Volatile.Write(ref _turns[slot], tail + 1);
            Window(tail);
            _records[slot] = record;
            Volatile.Write(ref _turns[slot], tail + 1);
            return true;
        }

        return false;
    }

    public bool TryDequeue(out RingRecord record)
    {
        long slot = _head % _turns.Length;
        bool ready = _breakage == MpscBreakage.ClaimTakenForPublication
            ? Volatile.Read(ref _tail) > _head
            : Volatile.Read(ref _turns[slot]) == _head + 1;
        record = default;
        if (!ready) return false;
        if (_breakage == MpscBreakage.FreedBeforeCopied)
        {
            Volatile.Write(ref _turns[slot], _head + _turns.Length);
            Window(_head);
        }

        record = _records[slot];
        Volatile.Write(ref _turns[slot], _head + _turns.Length);
        _head++;
        return true;
    }

    public void Dispose()
    {
    }

    private static void Window(long n)
    {
        if (n % 64 == 0) Thread.Yield();
        if (n % 1024 == 0) Thread.Sleep(1);
    }

    private bool Claim(long tail)
    {
        if (_breakage != MpscBreakage.ClaimNotAtomic) return Interlocked.CompareExchange(ref _tail, tail + 1, tail) == tail;
        if (_tail != tail) return false;
        Window(tail);
        _tail = tail + 1;
        return true;
    }
}
