using Mergeflow.Native;

namespace Mergeflow.Tests;

/// <summary><see cref="SpscRing{T}"/> for the litmus test.</summary>
internal sealed class RealSpsc(int capacity) : IRecordQueue
{
    private readonly SpscRing<RingRecord> _ring = new(capacity);

    public bool TryEnqueue(in RingRecord record) => _ring.TryEnqueue(in record);

    public bool TryDequeue(out RingRecord record) => _ring.TryDequeue(out record);

    public void Dispose() => _ring.Dispose();
}
