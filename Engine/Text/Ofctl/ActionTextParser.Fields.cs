using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>Actions that write headers and registers.</summary>
internal sealed partial class ActionTextParser
{
    private bool TryFieldAction(string name, TextPiece key, TextPiece value, Action<OfAction> add)
    {
        switch (name)
        {
            case "set_field":
                add(ParseSetField(key, value));
                return true;
            case "load":
                add(ParseLoad(key, value));
                return true;
            case "move":
                add(ParseMove(key, value));
                return true;
            case "push":
                Subfield source = ParseStackField(value);
                _check.RequireField(source.Field, key, "source");
                add(new OfStackPush(source));
                return true;
            case "pop":
                Subfield destination = ParseStackField(value);
                RequireWritable(destination.Field, value);
                _check.RequireField(destination.Field, key, "destination");
                add(new OfStackPop(destination));
                return true;
            case "mod_vlan_vid" or "set_vlan_vid":
                ushort vid = NumberText.UInt16(value, "VLAN VID");
                if (vid > 0xfff) value.Fail($"{value}: not a valid VLAN VID");
                SetVlan(key, FieldId.DlVlan, FieldId.VlanVid, vid, name == "mod_vlan_vid", add);
                return true;
            case "mod_vlan_pcp" or "set_vlan_pcp":
                byte pcp = NumberText.UInt8(value, "VLAN PCP");
                if (pcp > 7) value.Fail($"{value}: not a valid VLAN PCP");
                SetVlan(key, FieldId.DlVlanPcp, FieldId.VlanPcp, pcp, name == "mod_vlan_pcp", add);
                return true;
            case "strip_vlan" or "pop_vlan":
                _check.Require(_check.HasTag, key, $"{name} needs a VLAN tag");
                _check.PopTag();
                add(new OfPopVlan());
                return true;
            case "push_vlan":
                ushort tpid = NumberText.UInt16(value, "ethertype");
                if (tpid is not (EthType.Vlan or EthType.QinQ)) value.Fail($"{value}: not a valid VLAN ethertype");
                _check.PushTag(key);
                add(new OfPushVlan(tpid));
                return true;
            case "mod_dl_src" or "mod_dl_dst":
                if (!AddressText.TryEthernet(value.Span, out ulong mac)) value.Fail($"invalid mac address {value}");
                add(Mod(name == "mod_dl_src" ? FieldId.EthSrc : FieldId.EthDst, mac));
                return true;
            case "mod_nw_src" or "mod_nw_dst":
                if (!AddressText.TryIpv4(value.Span, out uint ip)) value.Fail($"{value}: could not convert to IP address");
                _check.Require(_check.EthType == EthType.Ip, key, $"{name} needs ip");
                add(Mod(name == "mod_nw_src" ? FieldId.Ipv4Src : FieldId.Ipv4Dst, ip));
                return true;
            default:
                return TryIpAction(name, key, value, add) || TryMplsAction(name, key, value, add);
        }
    }

    private bool TryIpAction(string name, TextPiece key, TextPiece value, Action<OfAction> add)
    {
        switch (name)
        {
            case "mod_nw_tos":
                byte tos = NumberText.UInt8(value, "TOS");
                if ((tos & 3) != 0) value.Fail($"{value}: not a valid TOS");
                RequireIp(name, key);
                add(Mod(FieldId.NwTos, tos));
                return true;
            case "mod_nw_ecn":
                byte ecn = NumberText.UInt8(value, "ECN");
                if (ecn > 3) value.Fail($"{value}: not a valid ECN");
                RequireIp(name, key);
                add(Mod(FieldId.IpEcn, ecn));
                return true;
            case "mod_nw_ttl" or "set_nw_ttl":
                byte ttl = NumberText.UInt8(value, "TTL");
                RequireIp(name, key);
                add(Mod(FieldId.IpTtl, ttl));
                return true;
            case "mod_tp_src" or "mod_tp_dst":
                bool isSource = name == "mod_tp_src";
                ushort port = NumberText.UInt16(value, isSource ? "source port" : "destination port");
                _check.Require(_check.HasPorts, key, $"{name} needs tcp, udp or sctp");

                // OpenFlow 1.5 has no such action, and nobody knows which field it is: Open vSwitch sends none.
                if (_check.IsLenient && !_check.HasPorts) return true;
                add(Mod(PortField(isSource), port));
                return true;
            case "dec_ttl":
                EquatableList<ushort>? ids = ParseControllerIds(value);
                RequireIp(name, key);
                add(new OfDecTtl(ids));
                return true;
            case "set_tunnel" or "set_tunnel64":
                ulong id = NumberText.UInt64(value);
                add(new OfSetTunnel(id, name == "set_tunnel64" || id > uint.MaxValue));
                return true;
            default:
                return false;
        }
    }

    private bool TryMplsAction(string name, TextPiece key, TextPiece value, Action<OfAction> add)
    {
        switch (name)
        {
            case "set_mpls_label":
                if (value.IsEmpty) key.Fail("set_mpls_label: expected label.");
                uint label = NumberText.UInt32(value);
                if (label > 0xfffff) value.Fail($"{value}: not a valid MPLS label");
                RequireMpls(name, key);
                add(Mod(FieldId.MplsLabel, label));
                return true;
            case "set_mpls_tc":
                if (value.IsEmpty) key.Fail("set_mpls_tc: expected tc.");
                byte tc = NumberText.UInt8(value, "MPLS TC");
                if (tc > 7) value.Fail($"{value}: not a valid MPLS TC");
                RequireMpls(name, key);
                add(Mod(FieldId.MplsTc, tc));
                return true;
            case "set_mpls_ttl":
                if (value.IsEmpty) key.Fail("set_mpls_ttl: expected ttl.");
                RequireMpls(name, key);
                add(new OfSetMplsTtl(NumberText.UInt8(value, "MPLS TTL")));
                return true;
            case "dec_mpls_ttl":
                RequireMpls(name, key);
                add(new OfDecMplsTtl());
                return true;
            case "push_mpls":
                ushort pushed = NumberText.UInt16(value, "push_mpls");
                if (pushed is not (EthType.Mpls or EthType.MplsMcast)) value.Fail($"{value}: not a valid MPLS ethertype (OFPBAC_BAD_ARGUMENT)");
                (_check.EthType, _check.IpProto) = (pushed, 0);
                add(new OfPushMpls(pushed));
                return true;
            case "pop_mpls":
                ushort popped = NumberText.UInt16(value, "pop_mpls");
                RequireMpls(name, key);
                _check.EthType = popped;
                add(new OfPopMpls(popped));
                return true;
            default:
                return false;
        }
    }

    /// <summary>
    /// Over OpenFlow 1.2+ the mod_ forms reach the switch as set_field; where no tag is guaranteed a push_vlan goes before it, which
    /// also stacks on a tag that happens to be there (OVS <c>encode_SET_VLAN_VID</c>).
    /// </summary>
    private void SetVlan(TextPiece key, FieldId pushing, FieldId plain, uint value, bool pushIfNeeded, Action<OfAction> add)
    {
        bool hasTag = _check.HasTag;
        _check.Require(hasTag || pushIfNeeded, key, $"{key} needs a VLAN tag");
        _check.SetTag();
        if (pushIfNeeded && hasTag)
        {
            add(new OfSetField(Fields.Of(pushing), value, Fields.Of(pushing).MaxValue, OfSetSpelling.Mod, PushVlanIfNeeded: true));
            return;
        }

        if (pushIfNeeded) add(new OfPushVlan(EthType.Vlan));
        add(new OfSetField(Fields.Of(plain), value, Fields.Of(plain).MaxValue, OfSetSpelling.Mod));
    }

    private OfSetField ParseSetField(TextPiece key, TextPiece text)
    {
        (TextPiece valueText, TextPiece fieldText) = SplitArrow(text);
        Field field = FieldText.FindField(fieldText) ?? throw fieldText.Error($"{fieldText} is not a valid OXM field name");
        RequireWritable(field, fieldText);
        if (field.Id == FieldId.DlVlanPcp) fieldText.Fail($"{fieldText} cannot be set over OpenFlow 1.5 (OFPBAC_BAD_SET_LEN); vlan_pcp can");
        RequireSettable(field, fieldText);
        FieldValue v = FieldText.Parse(field, valueText, _ports);
        if (!IsValid(field, v.Value)) valueText.Fail($"{valueText} is not a valid value for field {fieldText}");
        if ((v.Value & ~v.Mask & v.All) != 0) valueText.Fail($"{valueText} has bits outside its mask (OFPBMC_BAD_WILDCARDS)");
        if (v.IsWild) valueText.Fail($"{valueText}: all-zeros mask sets nothing in field {field.Name}");
        bool vlanVid = field.Id == FieldId.VlanVid;
        _check.RequireAlways(!vlanVid || _check.HasTag, key, "set_field vlan_vid lacks correct prerequisites (needs a VLAN tag)");
        if (vlanVid && ((uint)(v.Value & v.Mask) & 0x1000) == 0)
        {
            valueText.Fail($"{valueText}: vlan_vid must have OFPVID_PRESENT (0x1000) set (OFPBAC_BAD_SET_ARGUMENT)");
        }

        _check.RequireField(field, key, "set_field");
        if (field.Id == FieldId.VlanTci) _check.SetTag((ushort)v.Value);
        UInt128 mask = v.Mask & field.OwnedBits;
        bool pushes = field.Id is FieldId.DlVlan or FieldId.DlVlanPcp;
        return new OfSetField(field, v.Value & mask, mask, OfSetSpelling.SetField, pushes);
    }

    private OfSetField ParseLoad(TextPiece key, TextPiece text)
    {
        (TextPiece valueText, TextPiece fieldText) = SplitArrow(text);
        Subfield to = FieldText.ParseWholeSubfield(fieldText);
        if (to.Field.NxmName.Length == 0) fieldText.Fail($"{fieldText}: field {to.Field.Name} has no NXM or OXM name to load");
        RequireWritable(to.Field, fieldText);
        RequireSettable(to.Field, fieldText);
        if (!NumberText.TryParse(valueText.Span, FieldText.ValueMax(to.Field), out UInt128 value)) valueText.Fail($"{text}: cannot parse integer value");
        if (to.BitCount < 128 && value >> to.BitCount != 0) valueText.Fail($"{text}: value {valueText} does not fit into {to.BitCount} bits");
        _check.RequireAlways(to.Field.Id != FieldId.VlanVid || _check.HasTag, key, "load vlan_vid lacks correct prerequisites (needs a VLAN tag)");
        _check.RequireField(to.Field, key, "load");
        UInt128 mask = ((to.BitCount == 128 ? UInt128.MaxValue : (UInt128.One << to.BitCount) - 1) << to.Start) & to.Field.OwnedBits;
        UInt128 placed = (value << to.Start) & mask;
        bool isValid = IsValid(to.Field, value << to.Start) && (to.Field.Id != FieldId.VlanVid || ((uint)(value << to.Start) & 0x1000) != 0);
        if (!isValid) valueText.Fail($"{valueText} is not a valid value for {fieldText} (OFPBAC_BAD_SET_ARGUMENT)");
        if (to.Field.Id == FieldId.VlanTci) _check.SetTag((ushort)placed);
        return new OfSetField(to.Field, placed, mask, OfSetSpelling.Load);
    }

    private static Subfield ParseStackField(TextPiece text)
    {
        Subfield field = FieldText.ParseSubfield(text, out TextPiece rest);
        if (!rest.IsEmpty) rest.Fail($"{rest}: trailing garbage following push or pop");
        return field;
    }

    private OfMove ParseMove(TextPiece key, TextPiece text)
    {
        Subfield from = FieldText.ParseSubfield(text, out TextPiece rest);
        if (!rest.Span.StartsWith("->")) rest.Fail($"{text}: missing `->' following source");
        Subfield to = FieldText.ParseWholeSubfield(rest.Slice(2));
        if (from.BitCount != to.BitCount) key.Fail($"{text}: source field is {from.BitCount} bits wide but destination is {to.BitCount} bits wide");
        RequireWritable(to.Field, rest.Slice(2));
        _check.RequireField(from.Field, key, "source");
        _check.RequireField(to.Field, key, "destination");
        return new OfMove(from, to);
    }

    private static (TextPiece Value, TextPiece Field) SplitArrow(TextPiece text)
    {
        int arrow = text.Span.IndexOf("->");
        if (arrow < 0) text.Fail($"{text}: missing `->'");
        if (arrow + 2 == text.Length) text.Slice(arrow).Fail($"{text}: missing field name following `->'");
        return (text.Slice(0, arrow), text.Slice(arrow + 2));
    }

    private static OfSetField Mod(FieldId id, UInt128 value) => new(Fields.Of(id), value, Fields.Of(id).OwnedBits, OfSetSpelling.Mod);

    /// <summary>The field that mod_tp_src and mod_tp_dst write, by the protocol that the match pins.</summary>
    private FieldId PortField(bool isSource) => _check.IpProto switch
    {
        IpProto.Udp => isSource ? FieldId.UdpSrc : FieldId.UdpDst,
        IpProto.Sctp => isSource ? FieldId.SctpSrc : FieldId.SctpDst,
        _ => isSource ? FieldId.TcpSrc : FieldId.TcpDst,
    };

    /// <summary>OVS <c>mf_is_value_valid</c>.</summary>
    private static bool IsValid(Field field, UInt128 value) => field.Id switch
    {
        FieldId.VlanVid => value <= 0x1fff,
        FieldId.ArpOp => value <= 0xff,
        _ => (value & ~field.OwnedBits) == 0,
    };

    private static void RequireWritable(Field field, TextPiece where)
    {
        if (!field.Writable) where.Fail($"{field.Name} is read-only");
    }

    private static void RequireSettable(Field field, TextPiece where)
    {
        if (field.Id == FieldId.InPortOxm) where.Fail($"{where} cannot be set (OFPBAC_BAD_SET_ARGUMENT)");
    }

    private void RequireIp(string name, TextPiece key) => _check.Require(_check.IsIp, key, $"{name} needs ip or ipv6");

    private void RequireMpls(string name, TextPiece key) => _check.Require(_check.IsMpls, key, $"{name} needs mpls or mplsm");

    private static EquatableList<ushort>? ParseControllerIds(TextPiece value)
    {
        if (value.IsEmpty) return null;
        ushort[] ids = [.. Split(value, [',', ' ']).Select(static id => (ushort)NumberText.Loose(id))];
        if (ids.Length == 0) value.Fail("dec_ttl_cnt_ids: expected at least one controller id.");
        return new EquatableList<ushort>(ids);
    }
}
