using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Mergeflow.Native;

/// <summary>Writes one netlink request: header, fixed part, attributes.</summary>
public sealed class NetlinkWriter
{
    /// <summary>NLM_F_REQUEST | NLM_F_ACK.</summary>
    public const ushort Acknowledged = 1 | 4;

    /// <summary>NLM_F_REQUEST | NLM_F_DUMP.</summary>
    public const ushort Dump = 1 | 0x300;

    /// <summary>NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL.</summary>
    public const ushort Create = Acknowledged | 0x400 | 0x200;

    private const int Nested = 0x8000;

    private readonly ArrayBufferWriter<byte> _bytes = new(256);
    private readonly Stack<int> _open = new();
    private byte[] _whole = [];

    /// <summary>Begins a request.</summary>
    public NetlinkWriter(ushort type, ushort flags)
    {
        Span<byte> header = _bytes.GetSpan(NetlinkReader.HeaderBytes);
        header[..NetlinkReader.HeaderBytes].Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], type);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], flags);
        _bytes.Advance(NetlinkReader.HeaderBytes);
    }

    /// <summary>Appends bytes as they are: the fixed part behind the header.</summary>
    public NetlinkWriter Raw(ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
        Pad();
        return this;
    }

    /// <summary>Appends an attribute.</summary>
    public NetlinkWriter Add(int type, ReadOnlySpan<byte> data)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(data.Length, ushort.MaxValue - 4);
        Span<byte> header = stackalloc byte[4];
        BinaryPrimitives.WriteUInt16LittleEndian(header, (ushort)(data.Length + 4));
        BinaryPrimitives.WriteUInt16LittleEndian(header[2..], (ushort)type);
        _bytes.Write(header);
        return Raw(data);
    }

    /// <summary>Appends a number of 32 bits, in the machine's order.</summary>
    public NetlinkWriter Add(int type, uint value)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        return Add(type, data);
    }

    /// <summary>Appends text with the 0 behind it.</summary>
    public NetlinkWriter Add(int type, string text) => Add(type, Encoding.UTF8.GetBytes(text + "\0"));

    /// <summary>Begins an attribute that holds attributes, up to <see cref="EndNest"/>.</summary>
    public NetlinkWriter BeginNest(int type)
    {
        _open.Push(_bytes.WrittenCount);
        return Add(type | Nested, []);
    }

    /// <summary>Ends the attribute that was begun last.</summary>
    public NetlinkWriter EndNest()
    {
        int at = _open.Pop();
        _whole = _bytes.WrittenSpan.ToArray();
        BinaryPrimitives.WriteUInt16LittleEndian(_whole.AsSpan(at), checked((ushort)(_whole.Length - at)));
        _bytes.ResetWrittenCount();
        _bytes.Write(_whole);
        return this;
    }

    /// <summary>The request, with its length and <paramref name="sequence"/> written.</summary>
    public ReadOnlySpan<byte> Finish(uint sequence)
    {
        _whole = _bytes.WrittenSpan.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(_whole, _whole.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(_whole.AsSpan(8), sequence);
        return _whole;
    }

    private void Pad()
    {
        int padding = NetlinkReader.Align(_bytes.WrittenCount) - _bytes.WrittenCount;
        if (padding == 0) return;
        _bytes.GetSpan(padding)[..padding].Clear();
        _bytes.Advance(padding);
    }
}
