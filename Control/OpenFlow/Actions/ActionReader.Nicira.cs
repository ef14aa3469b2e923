namespace Mergeflow.Control.OpenFlow;

/// <content>Actions of Nicira (OVS <c>enum ofp_raw_action_type</c>).</content>
internal static partial class ActionReader
{
    private static OfAction? ReadNicira(ushort subtype, ref OfReader a, int depth)
    {
        bool is10 = a.Version == OfVersion.V10;
        return subtype switch
        {
            1 => Resubmit(Fixed(ref a, 16, a.U16()), 255, withCt: false),
            2 => new OfSetTunnel(Fixed(ref a, 16, AfterPad(ref a, 2).U32()), false),
            4 when is10 => new OfSetQueue(Fixed(ref a, 16, AfterPad(ref a, 2).U32())),
            5 => Fixed(ref a, 16, new OfPopQueue()),
            6 => RegMove(ref a),
            7 when a.Version < OfVersion.V15 => RegLoad(ref a),
            8 => new OfNote(Hex(a.TakeRest())),
            9 => new OfSetTunnel(Fixed(ref a, 24, AfterPad(ref a, 6).U64()), true),
            10 => Multipath(ref a),
            12 => Bundle(ref a, isLoad: false),
            13 => Bundle(ref a, isLoad: true),
            14 => ResubmitTable(ref a, withCt: false),
            15 => OutputReg(ref a),
            16 => LearnReader.Read(ref a, isSecond: false),
            17 => Fixed(ref a, 16, new OfExit()),
            18 when is10 => Fixed(ref a, 16, new OfDecTtl()),
            19 => Fixed(ref a, 16, new OfFinTimeout(a.U16(), a.U16())),
            20 => Controller(ref a),
            21 => DecTtlIds(ref a),
            22 => WriteMetadata(ref a),
            23 when is10 => PushMpls(Fixed(ref a, 16, a.U16())),
            24 when is10 => new OfPopMpls(Fixed(ref a, 16, a.U16())),
            25 when is10 => new OfSetMplsTtl(Fixed(ref a, 16, a.U8())),
            26 when is10 => Fixed(ref a, 16, new OfDecMplsTtl()),
            27 => new OfStackPush(Stack(ref a, isWritten: false)),
            28 => new OfStackPop(Stack(ref a, isWritten: true)),
            29 or 38 or 41 or 51 => SampleReader.Read(ref a, subtype),
            30 when is10 => Bounded(FieldId.MplsLabel, Fixed(ref a, 16, AfterPad(ref a, 2).U32()), 0xfffff),
            31 when is10 => Bounded(FieldId.MplsTc, Fixed(ref a, 16, a.U8()), 7),
            32 => OutputReg2(ref a),
            33 when a.Version < OfVersion.V15 => RegLoad2(ref a),
            34 => Conjunction(ref a),
            35 => CtReader.Read(ref a, depth),
            36 => throw new OfRefusal("OFPBAC_BAD_ARGUMENT", "nat stands in ct only"),
            37 => Controller2(ref a),
            39 => OutputTruncated(ref a),
            40 when is10 => new OfGroup(Fixed(ref a, 16, AfterPad(ref a, 2).U32())),
            42 => new OfClone(ReadList(AfterPad(ref a, 6).Part(a.Left, BadLength), depth + 1)),
            43 => Fixed(ref a, 16, new OfCtClear()),
            44 => ResubmitTable(ref a, withCt: true),
            45 => LearnReader.Read(ref a, isSecond: true),
            46 when a.Version >= OfVersion.V13 => Encap(ref a),
            47 when a.Version >= OfVersion.V13 => Decap(ref a),
            49 => CheckPktLarger(ref a),
            50 => DeleteField(ref a),
            254 => Fixed(ref a, 16, new OfDebugSlow()),
            255 => Fixed(ref a, 16, new OfDebugRecirc()),
            _ => null,
        };
    }

    private static OfEncap Encap(ref OfReader a)
    {
        ushort sizeBytes = a.U16();
        uint type = Whole(ref a);
        if (type == OfEncap.Nsh) throw new OfRefusal("OFPBAC_BAD_TYPE", "action encap(nsh) is not supported");
        if (OfEncap.NameOf(type) is null) throw new OfRefusal("NXBAC_BAD_HEADER_TYPE", $"encap of packet type ({type >> 16},0x{type & 0xffff:x})");
        return a.Left == 0 ? new OfEncap(type, sizeBytes) : throw new OfRefusal("NXBAC_UNKNOWN_ED_PROP", "encap with a property");
    }

    private static OfDecap Decap(ref OfReader a)
    {
        a.Skip(2);
        uint type = Whole(ref a);
        return a.Left == 0 ? new OfDecap(type) : throw new OfRefusal("NXBAC_UNKNOWN_ED_PROP", "decap with a property");
    }

    /// <summary>Four bytes that have to be there.</summary>
    private static uint Whole(ref OfReader a) => a.Left >= 4 ? a.U32() : throw new OfRefusal(BadLength, "an action is not whole");

    /// <summary>Pairs of digits with dots between them, as people read them.</summary>
    internal static string Hex(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return "";
        string plain = Convert.ToHexStringLower(bytes);
        return string.Create((bytes.Length * 3) - 1, plain, static (to, from) =>
        {
            for (int i = 0; i < to.Length; i++) to[i] = i % 3 == 2 ? '.' : from[(i / 3 * 2) + (i % 3)];
        });
    }

    private static ref OfReader AfterPad(ref OfReader a, int count)
    {
        a.Skip(count);
        return ref a;
    }

    private static OfResubmit Resubmit(ushort port, byte table, bool withCt)
        => new(port == (ushort)OfReservedPort.InPort ? null : port, table == 255 ? null : table, withCt);

    private static OfResubmit ResubmitTable(ref OfReader a, bool withCt)
    {
        (ushort port, byte table) = (a.U16(), a.U8());
        a.Zeros(3, "OFPBAC_BAD_ARGUMENT");
        return Fixed(ref a, 16, Resubmit(port, table, withCt));
    }

    private static OfMove RegMove(ref OfReader a) => Move(ref a, a.U16(), a.U16(), a.U16());

    private static OfSetField RegLoad(ref OfReader a)
    {
        (int start, int count) = Range(a.U16());
        Subfield to = Destination(FieldOf(a.U32()), start, count);
        ulong value = Fixed(ref a, 24, a.U64());
        if (count < 64 && value >> count != 0) throw BadArgument($"the value does not fit into {count} bits");
        UInt128 mask = ((UInt128.One << count) - 1) << start;
        return new OfSetField(to.Field, ((UInt128)value << start) & to.Field.OwnedBits, mask & to.Field.OwnedBits, OfSetSpelling.Load);
    }

    private static OfSetField RegLoad2(ref OfReader a)
    {
        OxmEntry entry = OxmEntry.Read(ref a);
        a.Zeros(a.Left, "OFPBAC_BAD_SET_ARGUMENT");
        return Set(entry, OfSetSpelling.SetField);
    }

    private static OfOutputReg OutputReg(ref OfReader a)
    {
        (int start, int count) = Range(a.U16());
        Field field = FieldOf(a.U32());
        ushort maxLength = a.U16();
        a.Zeros(6, "OFPBAC_BAD_ARGUMENT");
        return Fixed(ref a, 24, new OfOutputReg(Source(field, start, count), maxLength));
    }

    private static OfOutputReg OutputReg2(ref OfReader a)
    {
        (int start, int count) = Range(a.U16());
        ushort maxLength = a.U16();
        Field field = ReadField(ref a);
        a.Zeros(a.Left, "NXBRC_MUST_BE_ZERO");
        return Fixed(ref a, 24, new OfOutputReg(Source(field, start, count), maxLength));
    }

    private static OfAction OutputTruncated(ref OfReader a)
    {
        (uint port, uint maxLength) = (a.U16(), Fixed(ref a, 16, a.U32()));
        if (maxLength < 14) throw BadArgument("fewer bytes than an Ethernet header");
        int most = (int)Math.Min(maxLength, int.MaxValue);
        if (port < OfPorts.Max) return new OfOutput(port, most);
        return port is (uint)OfReservedPort.InPort or (uint)OfReservedPort.Local ? new OfOutputSpecial((OfReservedPort)port, most) : throw BadOutPort(port);
    }

    private static Subfield Stack(ref OfReader a, bool isWritten)
    {
        int start = a.U16();
        Field field = ReadField(ref a);
        int count = a.U16();
        a.Zeros(a.Left, "NXBRC_MUST_BE_ZERO");
        return Fixed(ref a, 24, isWritten ? Destination(field, start, count) : Source(field, start, count));
    }

    private static OfWriteMetadata WriteMetadata(ref OfReader a)
    {
        a.Zeros(6, "NXBRC_MUST_BE_ZERO");
        return Fixed(ref a, 32, new OfWriteMetadata(a.U64(), a.U64()));
    }

    private static OfConjunction Conjunction(ref OfReader a)
    {
        (byte clause, byte count, uint id) = (a.U8(), a.U8(), a.U32());
        if (count is < 2 or > 64 || clause >= count) throw new OfRefusal("NXBAC_BAD_CONJUNCTION", $"clause {clause} of {count}");
        return Fixed(ref a, 16, new OfConjunction(id, clause, count));
    }

    private static OfDecTtl DecTtlIds(ref OfReader a)
    {
        int count = a.U16();
        a.Zeros(4, "NXBRC_MUST_BE_ZERO");
        if (count * 2 > a.Left) throw new OfRefusal(BadLength, $"{count} controllers do not fit");
        var ids = new ushort[count];
        for (int i = 0; i < count; i++) ids[i] = a.U16();
        return new OfDecTtl(new EquatableList<ushort>(ids));
    }

    private static OfCheckPktLarger CheckPktLarger(ref OfReader a)
    {
        (ushort length, int start) = (a.U16(), a.U16());
        Field field = ReadField(ref a);
        a.Zeros(a.Left, "NXBRC_MUST_BE_ZERO");
        return new OfCheckPktLarger(length, Destination(field, start, 1));
    }

    private static OfDeleteField DeleteField(ref OfReader a)
    {
        Field field = ReadField(ref a);
        a.Zeros(a.Left, "NXBRC_MUST_BE_ZERO");
        return Fixed(ref a, 24, field.Id == FieldId.TunMetadata0 ? new OfDeleteField(field) : throw BadArgument("only Geneve options can be deleted"));
    }
}
