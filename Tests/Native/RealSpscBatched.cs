using Mergeflow.Native;

namespace Mergeflow.Tests;

/// <summary><see cref="SpscRing{T}"/> by its batch calls: sends odd batches, receives even ones.</summary>
internal sealed class RealSpscBatched(int capacity) : IRecordQueue
{
    private readonly SpscRing<RingRecord> _ring = new(capacity);
    private readonly RingRecord[] _out = new RingRecord[8];
    private readonly RingRecord[] _in = new RingRecord[1];
    private int _outCount;
    private int _outNext;

    public bool TryEnqueue(in RingRecord record)
    {
        _in[0] = record;
        return _ring.EnqueueBatch(_in) == 1;
    }

    public bool TryDequeue(out RingRecord record)
    {
        if (_outNext == _outCount)
        {
            _outCount = _ring.DequeueBatch(_out);
            _outNext = 0;
        }

        record = _outNext < _outCount ? _out[_outNext] : default;
        return _outNext < _outCount && _outNext++ >= 0;
    }

    public void Dispose() => _ring.Dispose();
}
