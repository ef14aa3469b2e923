using System.Buffers;
using Mergeflow.Engine.Ports;

namespace Mergeflow.Switch;

/// <summary>Copies of the frames that left, in their order, up to a number.</summary>
internal sealed class OutputQueue(int capacity) : IOutputSink
{
    private readonly Queue<(uint Port, byte[] Bytes, int Length)> _frames = new();

    public int Count => _frames.Count;

    public long Taken { get; private set; }

    public long Lost { get; private set; }

    public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
    {
        if (_frames.Count == capacity)
        {
            Lost++;
            return;
        }

        byte[] copy = ArrayPool<byte>.Shared.Rent(frame.Length);
        frame.CopyTo(copy);
        _frames.Enqueue((port, copy, frame.Length));
    }

    public bool TryTake(Span<byte> buffer, out uint port, out int lengthBytes)
    {
        (port, lengthBytes) = (0, 0);
        if (!_frames.TryPeek(out (uint Port, byte[] Bytes, int Length) first)) return false;
        if (first.Length > buffer.Length) throw new ArgumentException($"the frame has {first.Length} bytes, the buffer {buffer.Length}", nameof(buffer));
        first.Bytes.AsSpan(0, first.Length).CopyTo(buffer);
        (port, lengthBytes) = (first.Port, first.Length);
        ArrayPool<byte>.Shared.Return(first.Bytes);
        _frames.Dequeue();
        Taken++;
        return true;
    }
}
