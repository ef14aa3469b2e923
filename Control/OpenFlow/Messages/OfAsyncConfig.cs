namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_SET_ASYNC</c> and <c>OFPT_GET_ASYNC_REPLY</c>: which messages a controller gets without asking.</summary>
public sealed record OfAsyncConfig : OfMessage
{
    /// <summary>Kinds of message: packet-in, port status, flow removed, role status, table status, request forward.</summary>
    public const int KindCount = 6;

    /// <summary>For each kind, the reasons for which a secondary gets it (even) and others do (odd); null = not said.</summary>
    public EquatableList<uint?> Masks = new(new uint?[KindCount * 2]);

    /// <summary>As properties in a version that has pairs otherwise (<c>NXT_SET_ASYNC_CONFIG2</c>); only read: such a message is written as pairs.</summary>
    public bool HasProperties { get; init; }

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        var masks = Masks.ToArray();
        if ((HasProperties && wire.IsReading) || (wire.Version >= OfVersion.V14 && !IsNicira)) ExchangeProperties(ref wire, masks);
        else ExchangePairs(ref wire, masks);
        Masks = new EquatableList<uint?>(masks);
    }

    /// <summary>Three pairs, the primary's first.</summary>
    private static void ExchangePairs(ref OfWire wire, uint?[] masks)
    {
        for (int kind = 0; kind < 3; kind++)
        {
            for (int i = 1; i >= 0; i--)
            {
                uint mask = masks[(kind * 2) + i] ?? 0;
                wire.U32(ref mask);
                masks[(kind * 2) + i] = mask;
            }
        }
    }

    private static void ExchangeProperties(ref OfWire wire, uint?[] masks)
    {
        if (wire.IsReading)
        {
            while (wire.HasMore) ReadProperty(OfProperty.Read(ref wire.Reader), masks);
            return;
        }

        for (int i = 0; i < masks.Length; i++)
        {
            if (masks[i] is not { } mask) continue;
            int start = OfProperty.Begin(wire.Writer, (ushort)i);
            wire.Writer.U32(mask);
            OfProperty.End(wire.Writer, start);
        }
    }

    private static void ReadProperty(OfProperty property, uint?[] masks)
    {
        if (property.Type >= masks.Length) throw new OfRefusal("OFPACFC_INVALID", $"property {property.Type}");
        OfReader body = property.Body;
        masks[property.Type] = property.Only(ref body, body.U32());
    }
}
