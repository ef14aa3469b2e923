using System.Buffers.Text;
using System.Diagnostics;

namespace Mergeflow.Cli;

/// <summary>
/// Collects what leaves the switch per event, and writes one line per event in the order of the events:
/// <c>{"i":0,"out":[[2,"0200.."],[3,"0200.."]]}</c>.
/// </summary>
/// <remarks>
/// <code>
/// arena: frame bytes, appended as they come      record: port, place in the arena, next record of the same event
/// window: events [base, base + count) whose line has not been written yet, each with its first and last record
/// </code>
/// A batch may finish later events before earlier ones, so lines are held until <see cref="EmitAll"/> says that the switch is idle.
/// </remarks>
public sealed class ReplayWriter : IOutputSink
{
    private readonly Stream _stream;
    private readonly PortCaptures? _captures;
    private byte[] _arena = new byte[1 << 16];
    private int _arenaUsed;
    private OutputRecord[] _records = new OutputRecord[256];
    private int _recordCount;
    private EventSlot[] _window = new EventSlot[256];
    private int _windowCount;
    private long _baseSequence;
    private byte[] _line = new byte[1 << 12];
    private int _lineUsed;

    /// <param name="stream">Not owned.</param>
    /// <param name="captures">Takes the frames, too; null = nothing does. Not owned.</param>
    public ReplayWriter(Stream stream, PortCaptures? captures = null) => (_stream, _captures) = (stream, captures);

    /// <summary>Events whose line has not been written.</summary>
    public int PendingCount => _windowCount;

    /// <summary>Is told of each packet that leaves; null = nobody is.</summary>
    internal Responder? Responder { get; set; }

    /// <summary>Packets that left, over the whole run.</summary>
    public long OutputCount { get; private set; }

    /// <summary>Opens the next event; outputs refer to it by the returned sequence number.</summary>
    public long Begin(long eventIndex, long timestampNs = 0)
    {
        if (_windowCount == _window.Length) Array.Resize(ref _window, _windowCount * 2);
        _window[_windowCount] = new EventSlot(eventIndex, timestampNs);
        return _baseSequence + _windowCount++;
    }

    /// <inheritdoc/>
    public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
    {
        long slotIndex = eventIndex - _baseSequence;
        if ((ulong)slotIndex >= (ulong)_windowCount)
            throw new UnreachableException($"output for event {eventIndex}, whose line has been written");
        if (_recordCount == _records.Length) Array.Resize(ref _records, _recordCount * 2);
        if (_arenaUsed + frame.Length > _arena.Length) Array.Resize(ref _arena, Math.Max(_arena.Length * 2, _arenaUsed + frame.Length));
        frame.CopyTo(_arena.AsSpan(_arenaUsed));
        _records[_recordCount] = new OutputRecord(port, _arenaUsed, frame.Length);
        _arenaUsed += frame.Length;
        ref EventSlot slot = ref _window[slotIndex];
        if (slot.LastRecord >= 0) _records[slot.LastRecord].Next = _recordCount;
        else slot.FirstRecord = _recordCount;
        slot.LastRecord = _recordCount++;
        OutputCount++;
        Responder?.Send(frame);
    }

    /// <summary>Writes the lines of all open events. Call when nothing is pending in the switch.</summary>
    public void EmitAll()
    {
        for (int i = 0; i < _windowCount; i++) Emit(in _window[i]);
        _baseSequence += _windowCount;
        _windowCount = _recordCount = _arenaUsed = 0;
    }

    private void Emit(in EventSlot slot)
    {
        _lineUsed = 0;
        Append("{\"i\":"u8);
        Append(slot.EventIndex);
        Append(",\"out\":["u8);
        for (int r = slot.FirstRecord; r >= 0; r = _records[r].Next)
        {
            OutputRecord record = _records[r];
            _captures?.Write(record.Port, _arena.AsSpan(record.Offset, record.SizeBytes), slot.TimestampNs);
            Append(r == slot.FirstRecord ? "["u8 : ",["u8);
            Append(record.Port);
            Append(",\""u8);
            Reserve(record.SizeBytes * 2);
            Convert.TryToHexStringLower(_arena.AsSpan(record.Offset, record.SizeBytes), _line.AsSpan(_lineUsed), out int written);
            _lineUsed += written;
            Append("\"]"u8);
        }
        Append("]}\n"u8);
        _stream.Write(_line, 0, _lineUsed);
    }

    private void Append(ReadOnlySpan<byte> text)
    {
        Reserve(text.Length);
        text.CopyTo(_line.AsSpan(_lineUsed));
        _lineUsed += text.Length;
    }

    private void Append(long value)
    {
        Reserve(20);
        Utf8Formatter.TryFormat(value, _line.AsSpan(_lineUsed), out int written);
        _lineUsed += written;
    }

    private void Reserve(int sizeBytes)
    {
        if (_line.Length - _lineUsed < sizeBytes) Array.Resize(ref _line, Math.Max(_line.Length * 2, _lineUsed + sizeBytes));
    }

    private struct OutputRecord(uint port, int offset, int sizeBytes)
    {
        public readonly uint Port = port;
        public readonly int Offset = offset;
        public readonly int SizeBytes = sizeBytes;
        public int Next = -1;
    }

    private struct EventSlot(long eventIndex, long timestampNs)
    {
        public readonly long TimestampNs = timestampNs;
        public readonly long EventIndex = eventIndex;
        public int FirstRecord = -1;
        public int LastRecord = -1;
    }
}
