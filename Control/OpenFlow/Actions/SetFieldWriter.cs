namespace Mergeflow.Control.OpenFlow;

/// <summary>Writes field writes in the form that a version has for them (OVS <c>encode_SET_FIELD</c> and its neighbours).</summary>
internal static class SetFieldWriter
{
    private const uint VlanPresent = 0x1000;

    /// <summary>Writes one.</summary>
    public static void Write(OfWriter w, OfSetField a)
    {
        bool isWhole = a.Mask == a.Field.OwnedBits;
        if (w.Version >= OfVersion.V15) WriteNew(w, a, isWhole && !a.IsMasked && (a.Spelling != OfSetSpelling.Load || a.Mask != a.Field.MaxValue));
        else if (a.Spelling == OfSetSpelling.Load) Loads(w, a);
        else if (w.Version < OfVersion.V12 && isWhole) WriteOld(w, a);
        else if (isWhole) WriteNew(w, a, isWhole);
        else Loads(w, a);
    }

    /// <summary><c>OFPAT_SET_FIELD</c> of a whole field.</summary>
    public static void Whole(OfWriter w, FieldId id, UInt128 value) => SetField(w, new OxmEntry(Fields.Of(id), value, OxmEntry.Ones(Fields.Of(id))));

    private static void SetField(OfWriter w, OxmEntry entry) => ActionWriter.Standard(w, 25, entry, static (w, entry) => entry.Write(w, w.Version));

    private static void WriteNew(OfWriter w, OfSetField a, bool isWhole)
    {
        switch (a.Field.Id)
        {
            case FieldId.DlVlan or FieldId.VlanVid:
                Field vid = Fields.Of(FieldId.VlanVid);
                SetField(w, new OxmEntry(vid, a.Value | VlanPresent, isWhole ? OxmEntry.Ones(vid) : a.Mask | VlanPresent));
                break;
            case FieldId.DlVlanPcp:
                Whole(w, FieldId.VlanPcp, a.Value);
                break;
            case FieldId.NwTos when a.Spelling == OfSetSpelling.Mod:
                Whole(w, FieldId.IpDscp, a.Value >> 2);
                break;
            case FieldId.IpTtl when a.Spelling == OfSetSpelling.Mod:
                ActionWriter.Number(w, 23, (uint)a.Value, 1);
                break;
            default:
                SetField(w, new OxmEntry(a.Field, a.Value, isWhole ? OxmEntry.Ones(a.Field) : a.Mask));
                break;
        }
    }

    /// <summary>The forms of OpenFlow 1.0 and 1.1.</summary>
    private static void WriteOld(OfWriter w, OfSetField a)
    {
        bool is10 = w.Version == OfVersion.V10;
        uint value = (uint)(a.Value & uint.MaxValue);
        switch (a.Field.Id)
        {
            case FieldId.VlanTci when (value & VlanPresent) == 0:
                ActionWriter.Write(w, new OfPopVlan());
                break;
            case FieldId.VlanTci:
                if (!is10) ActionWriter.Write(w, new OfPushVlan(EthType.Vlan));
                ActionWriter.Number(w, 1, value & 0xfff, 2);
                ActionWriter.Number(w, 2, value >> 13, 1);
                break;
            case FieldId.DlVlan or FieldId.VlanVid:
                ActionWriter.Number(w, 1, value, 2);
                break;
            case FieldId.DlVlanPcp or FieldId.VlanPcp:
                ActionWriter.Number(w, 2, value, 1);
                break;
            case FieldId.EthSrc or FieldId.EthDst:
                int source = is10 ? 4 : 3;
                ActionWriter.Standard(w, (ushort)(a.Field.Id == FieldId.EthSrc ? source : source + 1), a.Value, static (w, mac) => w.Number(mac, 6));
                break;
            case FieldId.Ipv4Src or FieldId.Ipv4Dst:
                ActionWriter.Number(w, (ushort)((is10 ? 6 : 5) + (a.Field.Id == FieldId.Ipv4Src ? 0 : 1)), value, 4);
                break;
            case FieldId.NwTos or FieldId.IpDscp:
                ActionWriter.Number(w, is10 ? (ushort)8 : (ushort)7, a.Field.Id == FieldId.IpDscp ? value << 2 : value, 1);
                break;
            case FieldId.IpEcn when !is10:
                ActionWriter.Number(w, 8, value, 1);
                break;
            case FieldId.IpTtl when !is10 && a.Spelling == OfSetSpelling.Mod:
                ActionWriter.Number(w, 23, value, 1);
                break;
            case FieldId.TcpSrc or FieldId.UdpSrc:
                ActionWriter.Number(w, 9, value, 2);
                break;
            case FieldId.TcpDst or FieldId.UdpDst:
                ActionWriter.Number(w, 10, value, 2);
                break;
            case FieldId.MplsLabel when a.Spelling == OfSetSpelling.Mod:
                ActionWriter.Either(w, 13, 30, value, 4);
                break;
            case FieldId.MplsTc when a.Spelling == OfSetSpelling.Mod:
                ActionWriter.Either(w, 14, 31, value, 1);
                break;
            default:
                Loads(w, a);
                break;
        }
    }

    /// <summary><c>NXAST_REG_LOAD</c>, one for each run of bits and 64 at most; <c>NXAST_REG_LOAD2</c> for what varies in length.</summary>
    private static void Loads(OfWriter w, OfSetField a)
    {
        if (a.Field.Id == FieldId.TunMetadata0)
        {
            ActionWriter.Nicira(w, 33, new OxmEntry(a.Field, a.Value, a.Mask), static (w, entry) => entry.Write(w, 0));
            return;
        }

        UInt128 rest = a.Mask;
        while (rest != 0)
        {
            int start = (int)UInt128.TrailingZeroCount(rest);
            int count = Math.Min(64, (int)UInt128.TrailingZeroCount(~(rest >> start)));
            UInt128 ones = (UInt128.One << count) - 1;
            Load(w, new Subfield(a.Field, start, count), (ulong)((a.Value >> start) & ones));
            rest &= ~(ones << start);
        }
    }

    private static void Load(OfWriter w, Subfield to, ulong value) => ActionWriter.Nicira(w, 7, (to, value), static (w, l) =>
    {
        w.U16(ActionWriter.Range(l.to));
        w.U32(ActionWriter.Header(l.to.Field));
        w.U64(l.value);
    });
}
