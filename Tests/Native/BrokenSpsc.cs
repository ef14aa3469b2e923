namespace Mergeflow.Tests;

/// <summary>
/// The protocol of the single-producer ring in safe code, with one step broken. x86 keeps stores in order, so a missing fence alone
/// would not show: steps are exchanged, and the window between them is widened now and then.
/// </summary>
internal sealed class BrokenSpsc(int capacity, SpscBreakage breakage) : IRecordQueue
{
    private readonly RingRecord[] _slots = new RingRecord[capacity];
    private long _head;
    private long _tail;

    public bool TryEnqueue(in RingRecord record)
    {
        long tail = _tail;
        if (breakage != SpscBreakage.FullNotChecked && tail - Volatile.Read(ref _head) >= capacity) return false;
        if (breakage == SpscBreakage.PublishedBeforeWritten)
        {
            Volatile.Write(ref _tail, tail + 1);
            Window(tail);
            _slots[tail % capacity] = record;
            return true;
        }

        _slots[tail % capacity] = record;
        Window(tail);
        Volatile.Write(ref _tail, tail + 1);
        return true;
    }

    public bool TryDequeue(out RingRecord record)
    {
        long head = _head;
        record = default;
        if (head == Volatile.Read(ref _tail)) return false;
        if (breakage == SpscBreakage.FreedBeforeCopied)
        {
            Volatile.Write(ref _head, head + 1);
            Window(head);
            record = _slots[head % capacity];
            return true;
        }

        record = _slots[head % capacity];
        Window(head);
        Volatile.Write(ref _head, head + 1);
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
}
