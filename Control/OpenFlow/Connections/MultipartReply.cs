namespace Mergeflow.Control.OpenFlow;

/// <summary>A reply that is cut into messages of at most 64 KB (OVS <c>ofpmp_reserve</c>).</summary>
/// <param name="sink">Where they go.</param>
/// <param name="writer">Empty; for the version of the connection.</param>
/// <param name="empty">The reply without entries.</param>
internal ref struct MultipartReply(IOfSink sink, OfWriter writer, OfMessage empty)
{
    private int _start = Begin(writer, empty);

    /// <summary>Adds an entry.</summary>
    public void Add<T>(T item, OfExchange<T> exchange)
    {
        int at = writer.Length;
        var wire = new OfWire(writer);
        exchange(item, ref wire);
        if (writer.Length - _start <= ushort.MaxValue) return;
        byte[] entry = writer.Written[at..].ToArray();
        writer.Truncate(at);
        Cut(hasMore: true);
        _start = Begin(writer, empty);
        writer.Bytes(entry);
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
