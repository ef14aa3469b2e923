namespace Mergeflow.Control.OpenFlow;

/// <summary>A reply that is cut into messages of at most 64 KB (OVS <c>ofpmp_reserve</c>).</summary>
/// <param name="sink">Where they go.</param>
/// <param name="writer">Empty; for the version of the connection.</param>
/// <param name="empty">The reply without entries.</param>
internal ref struct MultipartReply(IOfSink sink, OfWriter writer, OfMessage empty)
{
    private int _start = Begin(writer, empty);
    private readonly int _headerBytes = writer.Length;

    /// <summary>Adds an entry; false = no message is long enough for it, and it is left out.</summary>
    public bool Add<T>(T item, OfExchange<T> exchange)
    {
        int at = writer.Length;
        var wire = new OfWire(writer);
        try
        {
            exchange(item, ref wire);
        }
        catch (OverflowException)
        {
            // Some length has no room for so much.
            writer.Truncate(at);
            return false;
        }

        if (writer.Length - _start <= ushort.MaxValue) return true;
        byte[] entry = writer.Written[at..].ToArray();
        writer.Truncate(at);
        if (entry.Length > ushort.MaxValue - _headerBytes) return false;
        Cut(hasMore: true);
        _start = Begin(writer, empty);
        writer.Bytes(entry);
        return true;
    }

    /// <summary>Ends it.</summary>
    public void End() => Cut(hasMore: false);

    private static int Begin(OfWriter writer, OfMessage empty)
    {
        int start = writer.Length;
        OfCodec.Encode(empty, writer);
        return start;
    }

    private readonly void Cut(bool hasMore)
    {
        writer.PatchU16(_start + 2, writer.Length - _start);
        if (hasMore) writer.PatchU16(_start + 10, 1);
        sink.Send(writer.Written[_start..]);
        writer.Truncate(_start);
    }
}
