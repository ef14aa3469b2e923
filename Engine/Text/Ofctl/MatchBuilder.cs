using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;

namespace Mergeflow.Engine.Text;

/// <summary>Writes field values into a <see cref="Match"/> with OVS's side effects (<c>mf_set</c>, lib/match.c).</summary>
public static class MatchBuilder
{
    private const ushort Vid = 0x0fff;
    private const ushort Cfi = 0x1000;
    private const ushort Pcp = 0xe000;

    /// <summary><c>dl_vlan=0xffff</c>: no tag (<c>OFP10_VLAN_NONE</c>).</summary>
    private const ushort VlanNone = 0xffff;

    /// <summary>Adds one field to the match; the last writer of a bit wins.</summary>
    public static void Set(ref Match match, Field field, FieldValue v)
    {
        switch (field.Id)
        {
            case FieldId.VlanTci:
                SetTci(ref match, 0xffff, (ushort)v.Value, (ushort)v.Mask);
                break;
            case FieldId.DlVlan when v.IsExact && v.Value == VlanNone:
                SetTci(ref match, 0xffff, 0, 0xffff);
                break;
            case FieldId.DlVlan when v.IsExact:
                SetTci(ref match, Vid | Cfi, (ushort)((ushort)v.Value & Vid | Cfi), Vid | Cfi);
                break;
            case FieldId.VlanVid when !v.IsWild:
                SetTci(ref match, Vid | Cfi, (ushort)v.Value, (ushort)((ushort)v.Mask & (Vid | Cfi)));
                break;
            case FieldId.DlVlan or FieldId.VlanVid:
                bool keepPcp = (match.Mask.Key.Vlan0Tci.Host & Pcp) != 0;
                SetTci(ref match, keepPcp ? Vid : (ushort)0xffff, 0, 0);
                break;
            case FieldId.DlVlanPcp or FieldId.VlanPcp when v.IsExact:
                SetTci(ref match, Pcp | Cfi, (ushort)(((ushort)v.Value & 7) << 13 | Cfi), Pcp | Cfi);
                break;
            case FieldId.DlVlanPcp or FieldId.VlanPcp:
                bool keepVid = (match.Mask.Key.Vlan0Tci.Host & Vid) != 0;
                SetTci(ref match, keepVid ? Pcp : (ushort)0xffff, 0, 0);
                break;
            case FieldId.InPort or FieldId.InPortOxm:
                SetBits(ref match, Fields.Of(FieldId.InPortOxm), v.Value, v.IsWild ? 0 : uint.MaxValue);
                break;
            case FieldId.ActsetOutput:
                SetBits(ref match, field, OfPorts.Widen((uint)v.Value), v.Mask);
                break;
            case FieldId.TunMetadata0:
                // Also a value of zero is one of a packet that has the option (OVS tun_metadata_set_match).
                SetBits(ref match, field, v.Value, v.Mask);
                (match.Value.Key.TunOptions, match.Mask.Key.TunOptions) = v.IsWild ? ((byte)0, (byte)0) : ((byte)1, byte.MaxValue);
                break;
            case FieldId.Icmpv4Type or FieldId.Icmpv6Type:
                SetBits(ref match, Fields.Of(FieldId.TcpSrc), v.Value, v.IsWild ? 0 : 0xffffu);
                break;
            case FieldId.Icmpv4Code or FieldId.Icmpv6Code:
                SetBits(ref match, Fields.Of(FieldId.TcpDst), v.Value, v.IsWild ? 0 : 0xffffu);
                break;
            default:
                SetBits(ref match, field, v.Value, v.Mask);
                break;
        }
    }

    /// <summary>The match pins what the field needs: the ethertype, the protocol, a tag (OVS <c>mf_are_match_prereqs_ok</c>).</summary>
    public static bool HasPrerequisites(ref Match match, Field field)
        => field.Prereq == FieldPrereq.None || new ActionCheckState(ref match, null).HasPrerequisites(field);

    /// <summary>Adds a range of bits to what the match already says about the field (OVS <c>parse_subfield</c>).</summary>
    public static void SetRange(ref Match match, Subfield range, UInt128 value)
    {
        UInt128 bits = (range.BitCount == 128 ? UInt128.MaxValue : (UInt128.One << range.BitCount) - 1) << range.Start;
        UInt128 mask = range.Field.Get(ref match.Mask) | bits;
        UInt128 old = range.Field.Get(ref match.Value);
        UInt128 all = FieldText.ValueMax(range.Field);
        bool whole = range.BitCount == range.Field.BitCount;
        Set(ref match, range.Field, new FieldValue((old & ~bits) | ((value << range.Start) & bits), whole ? all : mask, all));
    }

    /// <summary><c>ip</c>, <c>tcp</c>, ...: pins the ethertype and perhaps the protocol.</summary>
    public static void SetProtocol(ref Match match, ushort ethType, byte ipProto)
    {
        match.Value.Key.DlType = Be16.FromHost(ethType);
        match.Mask.Key.DlType = Be16.FromHost(0xffff);
        if (ipProto == 0) return;
        match.Value.Key.NwProto = ipProto;
        match.Mask.Key.NwProto = 0xff;
    }

    /// <summary>Replaces the bits of <paramref name="scope"/> in the outer TCI.</summary>
    private static void SetTci(ref Match match, ushort scope, ushort value, ushort mask)
    {
        ushort oldValue = match.Value.Key.Vlan0Tci.Host;
        ushort oldMask = match.Mask.Key.Vlan0Tci.Host;
        match.Value.Key.Vlan0Tci = Be16.FromHost((ushort)((oldValue & ~scope) | (value & mask & scope)));
        match.Mask.Key.Vlan0Tci = Be16.FromHost((ushort)((oldMask & ~scope) | (mask & scope)));
    }

    private static void SetBits(ref Match match, Field field, UInt128 value, UInt128 mask)
    {
        field.Set(ref match.Mask, mask);
        field.Set(ref match.Value, value & mask);
    }
}
