using System.Runtime.InteropServices;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Pmd;

/// <summary>A <see cref="PmdPoller"/> that measures the stages of the packet path on the way; for one queue.</summary>
public sealed unsafe class StagePoller : IPoller, IDisposable
{
    private readonly PmdThread _pmd;
    private readonly RxQueue _queue;
    private readonly Packet** _batch;
    private bool _disposed;

    /// <summary>A poller of one queue.</summary>
    /// <param name="pmd">Processes the batches.</param>
    /// <param name="queue">Where they come from.</param>
    /// <param name="clock">As in <see cref="StageTimes"/>.</param>
    public StagePoller(PmdThread pmd, RxQueue queue, Func<ulong>? clock = null)
    {
        (_pmd, _queue, Times) = (pmd, queue, new StageTimes(clock));
        _batch = (Packet**)NativeMemory.AlignedAlloc(PmdThread.MaxBatch * (nuint)sizeof(Packet*), 64);
    }

    /// <summary>What was measured.</summary>
    public StageTimes Times { get; }

    /// <inheritdoc/>
    public string Name => "pmd";

    /// <inheritdoc/>
    public int Step(long nowMs)
    {
        Times.BeginPoll();
        int n = _queue.Receive(_pmd.Pool, _batch, PmdThread.MaxBatch);
        if (n > 0) _pmd.ProcessBatch(_batch, n, nowMs, Times);
        Times.EndPoll();
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
