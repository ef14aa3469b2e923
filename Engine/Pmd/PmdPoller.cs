using System.Runtime.InteropServices;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Ports;

namespace Mergeflow.Engine.Pmd;

/// <summary>Polls receive queues in turn and feeds batches to a <see cref="PmdThread"/> (OVS <c>pmd_thread_main</c>).</summary>
public sealed unsafe class PmdPoller : IPoller, IDisposable
{
    private readonly PmdThread _pmd;
    private readonly RxQueue[] _queues;
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

    /// <inheritdoc/>
    public int Step(long nowMs)
    {
        RxQueue queue = _queues[_turn];
        if (++_turn == _queues.Length) _turn = 0;
        int n = queue.Receive(_pmd.Pool, _batch, _batchSize);
        if (n > 0) _pmd.ProcessBatch(_batch, n, nowMs);
        return n;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        NativeMemory.AlignedFree(_batch);
    }
}
