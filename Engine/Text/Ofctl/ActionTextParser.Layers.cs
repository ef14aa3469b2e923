using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>Actions that put headers on and take them off (OVS <c>parse_ENCAP</c>, <c>parse_DECAP</c>).</summary>
internal sealed partial class ActionTextParser
{
    /// <summary>Namespaces of packet types (OVS <c>OFPHTN_N_TYPES</c>).</summary>
    private const ushort NamespaceCount = 4;

    private OfEncap ParseEncap(TextPiece key, TextPiece text)
    {
        var reader = new KeyValueReader(text);
        if (!reader.Next(out TextPiece header, out TextPiece properties)) throw text.Error($"Missing encap hdr: {text}");
        uint type = header.ToString() switch
        {
            "ethernet" => OfEncap.Ethernet,
            "mpls" => OfEncap.Mpls,
            "mpls_mc" => OfEncap.MplsMcast,
            "nsh" => OfEncap.Nsh,
            _ => throw header.Error($"Encap hdr not supported: {properties}"),
        };
        if (type == OfEncap.Nsh) key.Unsupported("action encap(nsh) is not supported");
        var property = new KeyValueReader(properties);
        if (property.Next(out TextPiece name, out _)) name.Fail($"Invalid property: {name}");
        _check.Encap(type);
        return new OfEncap(type);
    }

    private OfDecap ParseDecap(TextPiece text)
    {
        uint next = OfDecap.FromHeader;
        var reader = new KeyValueReader(text);
        if (reader.Next(out TextPiece name, out TextPiece value))
        {
            if (!name.Is("packet_type")) name.Fail($"Invalid decap argument: {name}");
            var parts = new KeyValueReader(value);
            if (!parts.Next(out name, out TextPiece number) || !name.Is("ns")) value.Fail("Missing packet_type attribute ns");
            ushort ns = NumberText.UInt16(number, "ns");
            if (ns >= NamespaceCount) number.Fail($"Unsupported ns value: {ns}");
            if (!parts.Next(out name, out number) || !name.Is("type")) value.Fail("Missing packet_type attribute type");
            next = ((uint)ns << 16) | NumberText.UInt16(number, "type");
        }

        _check.Decap();
        return new OfDecap(next);
    }
}
