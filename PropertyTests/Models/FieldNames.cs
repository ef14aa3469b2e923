namespace Mergeflow.PropertyTests;

/// <summary>What the names of the input language mean to the model.</summary>
internal static class FieldNames
{
    /// <summary>Fields that a match is read through; together they cover every bit that a match may use.</summary>
    private static readonly FieldId[] s_matchable =
    [
        FieldId.InPortOxm, FieldId.EthSrc, FieldId.EthDst, FieldId.EthType, FieldId.VlanTci, FieldId.Ipv4Src, FieldId.Ipv4Dst,
        FieldId.Ipv6Src, FieldId.Ipv6Dst, FieldId.Ipv6Label, FieldId.IpProto, FieldId.IpDscp, FieldId.IpEcn, FieldId.IpTtl, FieldId.IpFrag,
        FieldId.ArpSha, FieldId.ArpTha, FieldId.NdTarget, FieldId.TcpSrc, FieldId.TcpDst, FieldId.TcpFlags,
        FieldId.CtState, FieldId.CtZone, FieldId.CtMark, FieldId.CtLabel, FieldId.CtNwProto, FieldId.CtNwSrc, FieldId.CtNwDst,
        FieldId.CtIpv6Src, FieldId.CtIpv6Dst, FieldId.CtTpSrc, FieldId.CtTpDst, FieldId.Metadata, FieldId.PktMark, FieldId.TunId,
        FieldId.XXReg0, FieldId.XXReg1, FieldId.XXReg2, FieldId.XXReg3,
    ];

    /// <summary>Model terms of a match; throws if it uses a field that the model does not have.</summary>
    public static List<RefTerm> Terms(FlowMod mod)
    {
        var terms = new List<RefTerm>();
        PipelineFlow value = mod.Match.Value, mask = mod.Match.Mask, rest = mask;
        foreach (FieldId id in s_matchable)
        {
            Field field = Fields.Of(id);
            UInt128 bits = field.Get(ref mask);
            if (bits == 0) continue;
            Clear(ref rest, field);
            foreach (RefTerm term in Split(id, field.Get(ref value), bits)) terms.Add(term);
        }

        if (rest.Bytes.ContainsAnyExcept((byte)0)) throw new NotSupportedException("the model does not have a field of this match");
        return terms;
    }

    /// <summary>The slot of a field; a register wider than 32 bits has none.</summary>
    public static FieldSlot Slot(Field field) => field.Id switch
    {
        FieldId.Metadata => new(RefField.Metadata, 0, 64),
        FieldId.InPort => new(RefField.InPort, 0, 16),
        FieldId.InPortOxm => new(RefField.InPort, 0, 32),
        FieldId.PktMark => new(RefField.PktMark, 0, 32),
        FieldId.TunId => new(RefField.TunId, 0, 64),
        FieldId.CtState => new(RefField.CtState, 0, 32),
        FieldId.CtZone => new(RefField.CtZone, 0, 16),
        FieldId.CtMark => new(RefField.CtMark, 0, 32),
        FieldId.CtLabel => new(RefField.CtLabel, 0, 128),
        FieldId.CtNwProto => new(RefField.CtProto, 0, 8),
        FieldId.CtNwSrc => new(RefField.CtIpSrc, 0, 32),
        FieldId.CtNwDst => new(RefField.CtIpDst, 0, 32),
        FieldId.CtIpv6Src => new(RefField.CtIp6Src, 0, 128),
        FieldId.CtIpv6Dst => new(RefField.CtIp6Dst, 0, 128),
        FieldId.CtTpSrc => new(RefField.CtTpSrc, 0, 16),
        FieldId.CtTpDst => new(RefField.CtTpDst, 0, 16),
        >= FieldId.Reg0 and <= FieldId.Reg15 => new(RefField.Reg0 + (field.Id - FieldId.Reg0), 0, 32),
        FieldId.EthSrc => new(RefField.EthSrc, 0, 48),
        FieldId.EthDst => new(RefField.EthDst, 0, 48),
        FieldId.EthType => new(RefField.EthType, 0, 16),
        FieldId.VlanTci => new(RefField.Tci0, 0, 16),
        FieldId.DlVlan or FieldId.VlanVid => new(RefField.Tci0, 0, 12),
        FieldId.DlVlanPcp or FieldId.VlanPcp => new(RefField.Tci0, 13, 3),
        FieldId.Ipv4Src or FieldId.ArpSpa => new(RefField.IpSrc, 0, 32),
        FieldId.Ipv4Dst or FieldId.ArpTpa => new(RefField.IpDst, 0, 32),
        FieldId.Ipv6Src => new(RefField.Ip6Src, 0, 128),
        FieldId.Ipv6Dst => new(RefField.Ip6Dst, 0, 128),
        FieldId.Ipv6Label => new(RefField.Ip6Label, 0, 20),
        FieldId.IpProto or FieldId.ArpOp => new(RefField.Proto, 0, 8),
        FieldId.NwTos => new(RefField.Tos, 0, 8),
        FieldId.IpDscp => new(RefField.Tos, 2, 6),
        FieldId.IpEcn => new(RefField.Tos, 0, 2),
        FieldId.IpTtl => new(RefField.Ttl, 0, 8),
        FieldId.IpFrag => new(RefField.Frag, 0, 2),
        FieldId.ArpSha or FieldId.NdSll => new(RefField.HwSrc, 0, 48),
        FieldId.ArpTha or FieldId.NdTll => new(RefField.HwDst, 0, 48),
        FieldId.NdTarget => new(RefField.NdTarget, 0, 128),
        FieldId.TcpSrc or FieldId.UdpSrc or FieldId.SctpSrc => new(RefField.TpSrc, 0, 16),
        FieldId.TcpDst or FieldId.UdpDst or FieldId.SctpDst => new(RefField.TpDst, 0, 16),
        FieldId.Icmpv4Type or FieldId.Icmpv6Type => new(RefField.TpSrc, 0, 8),
        FieldId.Icmpv4Code or FieldId.Icmpv6Code => new(RefField.TpDst, 0, 8),
        FieldId.TcpFlags => new(RefField.TcpFlags, 0, 12),
        _ => throw new NotSupportedException($"the model has no field {field.Name}"),
    };

    /// <summary>Reads a field, wide registers included.</summary>
    public static UInt128 Get(Field field, RefFlow flow)
    {
        if (RegisterCount(field.Id, out int first) is 0) return Slot(field).Get(flow);
        UInt128 value = 0;
        for (int i = 0; i < RegisterCount(field.Id, out _); i++) value = (value << 32) | flow[RefField.Reg0 + first + i];
        return value;
    }

    /// <summary>Writes the bits of <paramref name="mask"/>.</summary>
    public static void Set(Field field, RefFlow flow, UInt128 value, UInt128 mask)
    {
        int count = RegisterCount(field.Id, out int first);
        if (count == 0)
        {
            Slot(field).Set(flow, value, mask & field.OwnedBits);
            return;
        }

        for (int i = count - 1; i >= 0; i--, value >>= 32, mask >>= 32)
        {
            new FieldSlot(RefField.Reg0 + first + i, 0, 32).Set(flow, value, mask);
        }
    }

    private static IEnumerable<RefTerm> Split(FieldId id, UInt128 value, UInt128 mask)
    {
        int count = RegisterCount(id, out int first);
        if (count == 0)
        {
            FieldSlot slot = Slot(Fields.Of(id));
            yield return new RefTerm(slot.Field, value << slot.Shift, mask << slot.Shift);
            yield break;
        }

        for (int i = count - 1; i >= 0; i--, value >>= 32, mask >>= 32)
        {
            UInt128 m = mask & 0xffffffff;
            if (m != 0) yield return new RefTerm(RefField.Reg0 + first + i, value & m, m);
        }
    }

    /// <summary>How many 32-bit registers a wide register consists of; 0 for other fields.</summary>
    private static int RegisterCount(FieldId id, out int first)
    {
        first = id switch
        {
            >= FieldId.XReg0 and <= FieldId.XReg7 => 2 * (id - FieldId.XReg0),
            >= FieldId.XXReg0 and <= FieldId.XXReg3 => 4 * (id - FieldId.XXReg0),
            _ => -1,
        };
        return first < 0 ? 0 : id <= FieldId.XReg7 ? 2 : 4;
    }

    private static void Clear(ref PipelineFlow rest, Field field) => rest.Bytes.Slice(field.Offset, field.SizeBytes).Clear();
}
