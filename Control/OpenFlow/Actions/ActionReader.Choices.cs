namespace Mergeflow.Control.OpenFlow;

/// <content>To a controller, and one of several links.</content>
internal static partial class ActionReader
{
    private const int MaxBundleMembers = 2048;

    private static OfController Controller(ref OfReader a)
    {
        (ushort maxLength, ushort id, byte reason) = (a.U16(), a.U16(), a.U8());
        return Fixed(ref a, 16, new OfController(maxLength, PacketInReasons.Name(reason), id, ""));
    }

    private static OfController Controller2(ref OfReader a)
    {
        a.Zeros(6, "NXBRC_MUST_BE_ZERO");
        var action = new OfController(ushort.MaxValue, "action", 0, "");
        while (a.Left > 0)
        {
            OfProperty p = OfProperty.Read(ref a);
            OfReader body = p.Body;
            action = p.Type switch
            {
                0 => action with { MaxLengthBytes = p.Only(ref body, body.U16()) },
                1 => action with { Id = p.Only(ref body, body.U16()) },
                2 => action with { Reason = PacketInReasons.Name(p.Only(ref body, body.U8())) },
                3 => action with { UserData = Hex(body.TakeRest()) },
                4 => action with { Pause = true },
                5 => action with { MeterId = p.Only(ref body, body.U32()) },
                _ => throw new OfRefusal("OFPBPC_BAD_TYPE", $"property {p.Type} of controller"),
            };
        }

        return action;
    }

    private static OfMultipath Multipath(ref OfReader a)
    {
        (ushort fields, ushort basis) = (a.U16(), a.U16());
        a.Skip(2);
        (ushort algorithm, ushort maxLink, uint argument) = (a.U16(), a.U16(), a.U32());
        a.Skip(2);
        (int start, int count) = Range(a.U16());
        Subfield to = Destination(FieldOf(a.U32()), start, count);
        bool isWide = count >= 32 || 1u << count >= maxLink + 1u;
        if (fields > (ushort)OfHashFields.SymmetricL3 || algorithm > (ushort)OfMultipathAlgorithm.IterativeHash || !isWide) throw BadArgument("multipath");
        return Fixed(ref a, 32, new OfMultipath((OfHashFields)fields, basis, (OfMultipathAlgorithm)algorithm, maxLink, argument, to));
    }

    private static OfBundle Bundle(ref OfReader a, bool isLoad)
    {
        (ushort algorithm, ushort fields, ushort basis, uint memberType, int count, ushort ofsBits, uint to) = (a.U16(), a.U16(), a.U16(), a.U32(), a.U16(), a.U16(), a.U32());
        a.Zeros(4, "OFPBAC_BAD_ARGUMENT");
        bool ok = fields <= (ushort)OfHashFields.SymmetricL3 && algorithm <= (ushort)OfBundleAlgorithm.HighestRandomWeight && count <= MaxBundleMembers && memberType == 2;
        if (!ok || (!isLoad && (ofsBits != 0 || to != 0))) throw BadArgument("bundle");
        Subfield? destination = isLoad ? Destination(FieldOf(to), Range(ofsBits).Start, Range(ofsBits).Count) : null;
        if (destination is { BitCount: < 16 }) throw BadArgument("bundle_load needs 16 bits");
        if (count * 2 > a.Left) throw new OfRefusal(BadLength, $"{count} members do not fit");
        var members = new uint[count];
        for (int i = 0; i < count; i++) members[i] = Member(a.U16());
        return new OfBundle((OfHashFields)fields, basis, (OfBundleAlgorithm)algorithm, new EquatableList<uint>(members), destination);
    }

    private static uint Member(uint port) => port < OfPorts.Max || port == (uint)OfReservedPort.None || port == (uint)OfReservedPort.Local ? port : throw BadOutPort(port);
}
