namespace Mergeflow.Control.OpenFlow;

/// <content>Actions of the standard.</content>
internal static partial class ActionReader
{
    private static OfAction ReadStandard10(ushort type, ref OfReader a) => type switch
    {
        0 => Output(Fixed(ref a, 8, (uint)a.U16()), a.U16()),
        1 => Vlan(FieldId.DlVlan, Fixed(ref a, 8, a.U16()), 0xfff, pushes: true),
        2 => Vlan(FieldId.DlVlanPcp, Fixed(ref a, 8, a.U8()), 7, pushes: true),
        3 => Fixed(ref a, 8, new OfPopVlan()),
        4 => SetMac(FieldId.EthSrc, ref a),
        5 => SetMac(FieldId.EthDst, ref a),
        6 => Mod(FieldId.Ipv4Src, Fixed(ref a, 8, a.U32())),
        7 => Mod(FieldId.Ipv4Dst, Fixed(ref a, 8, a.U32())),
        8 => Tos(Fixed(ref a, 8, a.U8())),
        9 => Mod(FieldId.TcpSrc, Fixed(ref a, 8, a.U16())),
        10 => Mod(FieldId.TcpDst, Fixed(ref a, 8, a.U16())),
        11 => Enqueue(ref a),
        _ => throw BadType(type),
    };

    private static OfAction ReadStandard11(ushort type, ref OfReader a) => type switch
    {
        0 => Output(Fixed(ref a, 16, NarrowPort(a.U32())), a.U16()),
        1 => Vlan(FieldId.VlanVid, Fixed(ref a, 8, a.U16()), 0xfff, pushes: false),
        2 => Vlan(FieldId.VlanPcp, Fixed(ref a, 8, a.U8()), 7, pushes: false),
        3 => SetMac(FieldId.EthSrc, ref a),
        4 => SetMac(FieldId.EthDst, ref a),
        5 => Mod(FieldId.Ipv4Src, Fixed(ref a, 8, a.U32())),
        6 => Mod(FieldId.Ipv4Dst, Fixed(ref a, 8, a.U32())),
        7 => Tos(Fixed(ref a, 8, a.U8())),
        8 => Bounded(FieldId.IpEcn, Fixed(ref a, 8, a.U8()), 3),
        9 => Mod(FieldId.TcpSrc, Fixed(ref a, 8, a.U16())),
        10 => Mod(FieldId.TcpDst, Fixed(ref a, 8, a.U16())),
        13 => Bounded(FieldId.MplsLabel, Fixed(ref a, 8, a.U32()), 0xfffff),
        14 => Bounded(FieldId.MplsTc, Fixed(ref a, 8, a.U8()), 7),
        15 => new OfSetMplsTtl(Fixed(ref a, 8, a.U8())),
        16 => Fixed(ref a, 8, new OfDecMplsTtl()),
        17 => PushVlan(Fixed(ref a, 8, a.U16())),
        18 => Fixed(ref a, 8, new OfPopVlan()),
        19 => PushMpls(Fixed(ref a, 8, a.U16())),
        20 => new OfPopMpls(Fixed(ref a, 8, a.U16())),
        21 => new OfSetQueue(Fixed(ref a, 8, a.U32())),
        22 => new OfGroup(Fixed(ref a, 8, a.U32())),
        23 => Mod(FieldId.IpTtl, Fixed(ref a, 8, a.U8())),
        24 => Fixed(ref a, 8, new OfDecTtl()),
        25 when a.Version >= OfVersion.V12 => SetField(ref a),
        28 when a.Version >= OfVersion.V15 => CopyField(ref a),
        29 when a.Version >= OfVersion.V15 => Meter(Fixed(ref a, 8, a.U32())),
        _ => throw BadType(type),
    };

    /// <summary>Experimenter actions of the ONF: copy_field before OpenFlow 1.5.</summary>
    private static OfMove? ReadOnf(ushort subtype, ref OfReader a)
    {
        if (subtype != 3200 || a.Version is not (OfVersion.V13 or OfVersion.V14)) return null;
        a.Skip(2);
        return CopyField(ref a);
    }

    /// <summary>To a port, or to one of the reserved ones (OVS <c>ofpact_check_output_port</c>).</summary>
    internal static OfAction Output(uint port, ushort maxLengthBytes)
    {
        if (port < OfPorts.Max) return new OfOutput(port);
        if (port is < (uint)OfReservedPort.InPort or >= (uint)OfReservedPort.None) throw BadOutPort(port);
        return new OfOutputSpecial((OfReservedPort)port, port == (uint)OfReservedPort.Controller ? maxLengthBytes : 0);
    }

    /// <summary>The 16-bit number of a port (OVS <c>ofputil_port_from_ofp11</c>).</summary>
    internal static uint NarrowPort(uint port, string error = "OFPBAC_BAD_OUT_PORT")
        => OfPorts.TryNarrow(port, out uint narrow) ? narrow : throw new OfRefusal(error, $"port {port} is out of range");

    internal static OfRefusal BadOutPort(uint port) => new("OFPBAC_BAD_OUT_PORT", $"port {port}");

    internal static OfPushMpls PushMpls(ushort type)
        => type is EthType.Mpls or EthType.MplsMcast ? new OfPushMpls(type) : throw BadArgument("an ethertype of MPLS is needed");

    internal static OfSetField Bounded(FieldId id, uint value, uint max) => value <= max ? Mod(id, value) : throw BadArgument($"value of {Fields.Of(id).Name}");

    private static OfMeter Meter(uint id) => id is 0 or > 0xffff0000 ? throw new OfRefusal("OFPMMFC_INVALID_METER", $"meter {id}") : new OfMeter(id);

    private static OfPushVlan PushVlan(ushort tpid) => tpid is EthType.Vlan or EthType.QinQ ? new OfPushVlan(tpid) : throw BadArgument("an ethertype of VLANs is needed");

    private static OfSetField Mod(FieldId id, UInt128 value) => new(Fields.Of(id), value, Fields.Of(id).OwnedBits, OfSetSpelling.Mod);

    private static OfSetField Tos(byte tos) => (tos & 3) == 0 ? Mod(FieldId.NwTos, tos) : throw BadArgument("the ECN bits are no part of a TOS");

    private static OfSetField Vlan(FieldId id, uint value, uint max, bool pushes)
        => value <= max ? new OfSetField(Fields.Of(id), value, max, OfSetSpelling.Mod, pushes) : throw BadArgument($"value of {Fields.Of(id).Name}");

    private static OfSetField SetMac(FieldId id, ref OfReader a) => Fixed(ref a, 16, Mod(id, OfReader.Number(a.Take(6))));

    private static OfEnqueue Enqueue(ref OfReader a)
    {
        uint port = a.U16();
        a.Skip(6);
        uint queue = a.U32();
        bool ok = port < OfPorts.Max || port is (uint)OfReservedPort.InPort or (uint)OfReservedPort.Local;
        return Fixed(ref a, 16, ok ? new OfEnqueue(port, queue) : throw BadOutPort(port));
    }

    private static OfSetField SetField(ref OfReader a)
    {
        OxmHeader header = OxmHeader.Read(ref a);
        OxmEntry entry = OxmEntry.Read(ref a, header, "OFPBAC_BAD_SET_TYPE");
        if (header.HasMask && a.Version < OfVersion.V15) throw new OfRefusal("OFPBAC_BAD_SET_MASK", $"mask of {entry.Field.Name}");
        a.Zeros(a.Left, "OFPBAC_BAD_SET_ARGUMENT");
        if (entry.Field.Id == FieldId.InPortOxm) throw BadSetArgument(entry.Field);
        if (entry.Field.Id == FieldId.VlanVid && (entry.Value & entry.Mask & 0x1000) == 0) throw BadSetArgument(entry.Field);
        return Set(entry, OfSetSpelling.SetField);
    }

    /// <summary>A field write from an entry; the bit that says that a tag is there is not the field's.</summary>
    private static OfSetField Set(OxmEntry entry, OfSetSpelling spelling)
    {
        Field field = entry.Field;
        bool isValid = field.Id switch
        {
            FieldId.VlanVid => entry.Value <= 0x1fff,
            FieldId.ArpOp => entry.Value <= 0xff,
            _ => (entry.Value & ~field.OwnedBits) == 0,
        };
        if (!field.Writable || !isValid) throw BadSetArgument(field);
        UInt128 mask = entry.Mask == OxmEntry.Ones(field) ? field.OwnedBits : entry.Mask & field.OwnedBits;
        return new OfSetField(field, entry.Value & mask, mask, spelling) { IsMasked = entry.Mask == mask && mask == field.OwnedBits && mask != OxmEntry.Ones(field) };
    }

    private static OfMove CopyField(ref OfReader a)
    {
        (int count, int from, int to) = (a.U16(), a.U16(), a.U16());
        a.Skip(2);
        return Move(ref a, count, from, to);
    }

    private static OfMove Move(ref OfReader a, int count, int from, int to)
    {
        Field source = ReadField(ref a);
        Field destination = ReadField(ref a);
        a.Zeros(a.Left, "NXBRC_MUST_BE_ZERO");
        return new OfMove(Source(source, from, count), Destination(destination, to, count));
    }

    private static OfRefusal BadType(ushort type) => new("OFPBAC_BAD_TYPE", $"action {type}");

    private static OfRefusal BadArgument(string what) => new("OFPBAC_BAD_ARGUMENT", what);

    private static OfRefusal BadSetArgument(Field field) => new("OFPBAC_BAD_SET_ARGUMENT", $"{field.Name} cannot be set so");
}
