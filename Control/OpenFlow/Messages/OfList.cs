namespace Mergeflow.Control.OpenFlow;

/// <summary>Reads or writes one thing.</summary>
internal delegate void OfExchange<T>(T item, ref OfWire wire);

/// <summary>Lists on the wire.</summary>
internal static class OfList
{
    /// <summary>A list up to the end of the message.</summary>
    public static void Exchange<T>(ref OfWire wire, ref EquatableList<T> list, Func<T> create, OfExchange<T> exchange)
    {
        if (!wire.IsReading)
        {
            foreach (T item in list) exchange(item, ref wire);
            return;
        }

        List<T> read = [];
        while (wire.HasMore)
        {
            T item = create();
            exchange(item, ref wire);
            read.Add(item);
        }

        list = new EquatableList<T>(read);
    }

    /// <summary>Something that begins with its own length, 16 bits.</summary>
    public static void Sized<T>(ref OfWire wire, T item, OfExchange<T> exchange)
    {
        if (wire.IsReading)
        {
            int length = wire.Reader.U16();
            if (length < 2) throw new OfRefusal("OFPBRC_BAD_LEN", $"an entry of {length} bytes");
            var inner = new OfWire(wire.Reader.Part(length - 2));
            exchange(item, ref inner);
            if (inner.HasMore) throw new OfRefusal("OFPBRC_BAD_LEN", $"an entry of {length} bytes");
            return;
        }

        int start = wire.Writer.Length;
        wire.Pad(2);
        exchange(item, ref wire);
        wire.Writer.PatchLength(start, start);
    }
}
