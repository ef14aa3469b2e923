using System.Text;

namespace Mergeflow.Control.OpenFlow;

/// <summary>
/// A message on its way in or out: the same description of its fields, in their order, reads it and writes it, so both directions cannot disagree.
/// </summary>
public ref struct OfWire
{
    private readonly OfWriter? _writer;

    /// <summary>Reads.</summary>
    internal OfWire(OfReader reader)
    {
        Reader = reader;
        Version = reader.Version;
    }

    /// <summary>Writes.</summary>
    internal OfWire(OfWriter writer) => (_writer, Version) = (writer, writer.Version);

    /// <summary>What is read from.</summary>
    internal OfReader Reader;

    /// <summary>Version of the message.</summary>
    public readonly OfVersion Version { get; }

    /// <summary>Into the program; otherwise out of it.</summary>
    internal readonly bool IsReading => _writer is null;

    /// <summary>What is written to.</summary>
    internal readonly OfWriter Writer => _writer!;

    /// <summary>There is more to read.</summary>
    internal readonly bool HasMore => Reader.Left > 0;

    internal void U8(ref byte value)
    {
        if (_writer is null) value = Reader.U8();
        else _writer.U8(value);
    }

    internal void U16(ref ushort value)
    {
        if (_writer is null) value = Reader.U16();
        else _writer.U16(value);
    }

    internal void U32(ref uint value)
    {
        if (_writer is null) value = Reader.U32();
        else _writer.U32(value);
    }

    internal void U64(ref ulong value)
    {
        if (_writer is null) value = Reader.U64();
        else _writer.U64(value);
    }

    /// <summary>Padding.</summary>
    internal void Pad(int count)
    {
        if (_writer is null) Reader.Skip(count);
        else _writer.Zeros(count);
    }

    /// <summary>A port in 16 bits, or from OpenFlow 1.1 on in 32; in the program it has 16.</summary>
    internal void Port(ref uint port)
    {
        if (Version == OfVersion.V10) Port16(ref port);
        else Port32(ref port);
    }

    internal void Port16(ref uint port)
    {
        var narrow = (ushort)port;
        U16(ref narrow);
        port = narrow;
    }

    internal void Port32(ref uint port)
    {
        if (_writer is null) port = ActionReader.NarrowPort(Reader.U32());
        else _writer.U32(OfPorts.Widen(port));
    }

    internal void Mac(ref ulong mac)
    {
        if (_writer is null) mac = (ulong)OfReader.Number(Reader.Take(6));
        else _writer.Number(mac, 6);
    }

    /// <summary>Text that ends with a zero, in so many bytes.</summary>
    internal void Text(ref string text, int byteCount)
    {
        if (_writer is null)
        {
            ReadOnlySpan<byte> bytes = Reader.Take(byteCount)[..(byteCount - 1)];
            int end = bytes.IndexOf((byte)0);
            text = Encoding.Latin1.GetString(end < 0 ? bytes : bytes[..end]);
            return;
        }

        int start = _writer.Length;
        ReadOnlySpan<byte> latin = Encoding.Latin1.GetBytes(text);
        _writer.Bytes(latin[..Math.Min(latin.Length, byteCount - 1)]);
        _writer.Zeros(byteCount - (_writer.Length - start));
    }

    /// <summary>All that is left.</summary>
    internal void Rest(ref OfBytes bytes)
    {
        if (_writer is null) bytes = new OfBytes(Reader.TakeRest().ToArray());
        else _writer.Bytes(bytes.Span);
    }

    /// <summary>A match as the version writes it.</summary>
    internal void Match(ref Match match)
    {
        if (_writer is null) MatchCodec.Read(ref Reader, ref match);
        else MatchCodec.Write(_writer, ref match);
    }
}
