using System.Diagnostics;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Ports;
using Mergeflow.Native;

namespace Mergeflow.Engine.Pmd;

/// <summary>Polls receive queues in turn and feeds batches to a <see cref="PmdThread"/> (OVS <c>pmd_thread_main</c>).</summary>
public sealed unsafe class PmdPoller : IPoller, IDisposable
{
    private readonly PmdThread _pmd;
    private RxQueue[] _queues;
    private readonly Packet** _batch;
    private bool _disposed;
    private readonly int _batchSize;
    private int _turn;

    public PmdPoller(PmdThread pmd, IReadOnlyList<RxQueue> queues, int batchSize = PmdThread.MaxBatch)
    {
        _pmd = pmd;
        _queues = [.. queues];
        _batchSize = batchSize;
        _batch = (Packet**)NativeMemory.AlignedAlloc(PmdThread.MaxBatch * (nuint)sizeof(Packet*), 64);
    }

    /// <inheritdoc/>
    public string Name => "pmd";

    /// <summary>Whether it measures how long the packets of each queue take (<see cref="RxQueue.BusyTicks"/>). Before it runs.</summary>
    public bool IsTimed { get; init; }

    /// <summary>Its queues. The polling thread changes them.</summary>
    public IReadOnlyList<RxQueue> Queues => _queues;

    /// <inheritdoc/>
    public int Step(long nowMs)
    {
        RxQueue[] queues = _queues;
        for (int left = queues.Length; left > 0; left--)
        {
            RxQueue queue = queues[_turn];
            if (++_turn == queues.Length) _turn = 0;

            // By a count of each queue: counted together, one of eight queues would be measured alone.
            bool isTimed = IsTimed && (queue.Polls++ & (RxQueue.TimedOneIn - 1)) == 0;
            long begin = isTimed ? Stopwatch.GetTimestamp() : 0;
            int n = queue.Receive(_pmd.Pool, _batch, Math.Min(_batchSize, _pmd.BatchLimit));
            if (n == 0) continue;
            if (_pmd.Tap is { IsOn: true } tap) tap.Received(_batch, n);
            _pmd.ProcessBatch(_batch, n, nowMs);
            _pmd.Flush();
            _pmd.Conntrack.Between();
            if (isTimed) Volatile.Write(ref queue.BusyTicks, queue.BusyTicks + (RxQueue.TimedOneIn * (Stopwatch.GetTimestamp() - begin)));
            return n;
        }

        // The thread may be about to sleep. What others have it do may have sent something.
        _pmd.Flush();
        _pmd.Conntrack.LetGo();
        return 0;
    }

    /// <inheritdoc/>
    public void BeforeSleep(PollSet set, long nowMs)
    {
        foreach (RxQueue queue in _queues) queue.BeforeSleep(set);
    }

    /// <summary>One more queue, by the polling thread; returns how many there are.</summary>
    public int Add(RxQueue queue)
    {
        _queues = [.. _queues, queue];
        return _queues.Length;
    }

    /// <summary>Polls the queue no longer, by the polling thread; false if it did not.</summary>
    public bool Remove(RxQueue queue)
    {
        if (!_queues.Contains(queue)) return false;
        _queues = [.. _queues.Where(q => q != queue)];
        _turn = 0;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        NativeMemory.AlignedFree(_batch);
    }
}
