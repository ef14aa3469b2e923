using Mergeflow.Engine.Actions;

namespace Mergeflow.Control.OpenFlow;

/// <summary>Reads <c>ct</c> with <c>nat</c> in it (OVS <c>struct nx_action_conntrack</c>, <c>nx_action_nat</c>).</summary>
internal static class CtReader
{
    private const ushort NatSubtype = 36;
    private const ushort Commit = 1;
    private const ushort Force = 2;

    [Flags]
    private enum Present : ushort
    {
        Ipv4Min = 1,
        Ipv4Max = 2,
        Ipv6Min = 4,
        Ipv6Max = 8,
        PortMin = 16,
        PortMax = 32,
    }

    /// <summary>Reads what follows the subtype.</summary>
    public static OfCt Read(ref OfReader a, int depth)
    {
        (ushort flags, uint zoneSource, ushort zone, byte table) = (a.U16(), a.U32(), a.U16(), a.U8());
        a.Skip(3);
        ushort alg = a.U16();
        if ((flags & Force) != 0 && (flags & Commit) == 0) throw Bad("force needs commit");
        Subfield? source = zoneSource == 0 ? null : ActionReader.Source(ActionReader.FieldOf(zoneSource), zone >> 6, (zone & 0x3f) + 1);
        if (source is { BitCount: not 16 }) throw new OfRefusal("OFPBAC_BAD_SET_LEN", "a zone has 16 bits");
        (OfNat? nat, EquatableList<OfAction> exec, bool isNatLast) = ReadNested(a, depth);
        if ((flags & Commit) == 0 && (exec.Count > 0 || nat is { Kind: not NatKind.None })) throw Bad("nat with arguments, and exec, need commit");
        return new OfCt((flags & Commit) != 0, (flags & Force) != 0, table == 255 ? null : table, source is null ? zone : (ushort)0, source, nat, exec, Helper(alg)) { IsNatLast = isNatLast };
    }

    private static string? Helper(ushort alg) => alg switch
    {
        0 => null,
        21 => "ftp",
        69 => "tftp",
        _ => throw Bad($"alg {alg}"),
    };

    /// <summary>One nat at most, and actions that write ct_mark and ct_label.</summary>
    private static (OfNat? Nat, EquatableList<OfAction> Exec, bool IsNatLast) ReadNested(OfReader a, int depth)
    {
        OfNat? nat = null;
        bool isNatLast = false;
        List<OfAction> exec = [];
        while (a.Left > 0)
        {
            ReadOnlySpan<byte> rest = a.Rest;
            bool isNat = rest.Length >= 16 && rest[0] == 0xff && rest[1] == 0xff && rest[4..8].SequenceEqual((ReadOnlySpan<byte>)[0, 0, 0x23, 0x20]) && ((rest[8] << 8) | rest[9]) == NatSubtype;
            int length = rest.Length < 4 ? 0 : (rest[2] << 8) | rest[3];
            if (length < 8 || length % 8 != 0 || length > rest.Length) throw new OfRefusal(ActionReader.BadLength, $"an action of {length} bytes");
            OfReader one = a.Part(length, ActionReader.BadLength);
            if (!isNat)
            {
                foreach (OfAction action in ActionReader.ReadList(one, depth + 1)) exec.Add(Checked(action));
            }
            else
            {
                nat = nat is null ? ReadNat(one) : throw Bad("two nat in one ct");
                isNatLast = exec.Count > 0;
            }
        }

        return (nat, new EquatableList<OfAction>(exec), isNatLast);
    }

    private static OfAction Checked(OfAction action)
    {
        Field? field = action switch { OfSetField s => s.Field, OfMove m => m.Destination.Field, _ => null };
        return field?.Id is FieldId.CtMark or FieldId.CtLabel ? action : throw Bad("only ct_mark and ct_label can be written in ct");
    }

    private static OfNat ReadNat(OfReader a)
    {
        a.Skip(12);
        int flags = a.U16();
        var present = (Present)a.U16();
        bool src = (flags & 1) != 0, dst = (flags & 2) != 0;
        if ((src && dst) || (flags & ~31) != 0 || (!src && !dst && (flags != 0 || present != 0)) || (flags & 24) == 24) throw Bad("flags of nat");
        bool ipv4 = (present & Present.Ipv4Min) != 0, ipv6 = (present & Present.Ipv6Min) != 0;
        if ((ipv4 && (present & (Present.Ipv6Min | Present.Ipv6Max)) != 0) || ((present & Present.Ipv4Max) != 0 && !ipv4) || ((present & Present.Ipv6Max) != 0 && !ipv6)) throw Bad("addresses of nat");
        UInt128 min = ipv4 ? a.U32() : ipv6 ? a.U128() : 0;
        UInt128 max = (present & Present.Ipv4Max) != 0 ? a.U32() : (present & Present.Ipv6Max) != 0 ? a.U128() : min;
        if (((ipv4 || ipv6) && min == 0) || max < min) throw Bad("range of nat");
        bool hasPort = (present & Present.PortMin) != 0;
        if ((hasPort && !ipv4 && !ipv6) || (!hasPort && (present & Present.PortMax) != 0)) throw Bad("ports of nat");
        ushort portMin = hasPort ? a.U16() : (ushort)0;
        ushort portMax = (present & Present.PortMax) != 0 ? a.U16() : portMin;
        if ((hasPort && portMin == 0) || portMax < portMin) throw Bad("ports of nat");
        NatKind kind = src ? NatKind.Src : dst ? NatKind.Dst : NatKind.None;
        return new OfNat(kind, ipv6, min, max, portMin, portMax, (flags & 4) != 0, (flags & 8) != 0, (flags & 16) != 0);
    }

    private static OfRefusal Bad(string what) => new("OFPBAC_BAD_ARGUMENT", what);
}
