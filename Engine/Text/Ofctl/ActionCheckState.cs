using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>
/// What the match and the actions so far guarantee about the packet, to refuse actions that could not work (OVS
/// <c>ofpacts_check</c>, <c>mf_are_match_prereqs_ok</c>). Groups are not checked: their buckets have no match.
/// </summary>
internal sealed class ActionCheckState
{
    private const ushort TagPresent = 0x1000;
    private const CtState ValidStates = CtState.New | CtState.Est | CtState.Rel | CtState.Rpl | CtState.SNat | CtState.DNat;

    private readonly bool _checks;
    private readonly bool _lenient;
    private readonly NwFrag _frag;
    private readonly CtState _ctState;
    private readonly CtState _ctMask;
    private readonly ushort _icmpType;
    private readonly ushort _icmpCode;
    private ushort _outerTci;
    private ushort _innerTci;

    /// <summary>Checks against <paramref name="match"/>; <paramref name="table"/> null is table 0.</summary>
    public ActionCheckState(ref Match match, byte? table)
    {
        _checks = true;
        Table = table ?? 0;
        EthType = match.Value.Key.DlType.Host;
        IpProto = match.Value.Key.NwProto;
        _frag = match.Value.Key.NwFrag;
        _ctState = match.Value.Key.CtState;
        _ctMask = match.Mask.Key.CtState;
        _icmpType = match.Value.Key.TpSrc.Host;
        _icmpCode = match.Value.Key.TpDst.Host;
        _outerTci = match.Value.Key.Vlan0Tci.Host;
        _innerTci = match.Value.Key.Vlan1Tci.Host;
    }

    private ActionCheckState(ActionCheckState from, bool lenient)
    {
        (_checks, _lenient) = (from._checks, lenient);
        (Table, EthType, IpProto, IsBare) = (from.Table, from.EthType, from.IpProto, from.IsBare);
        (_frag, _ctState, _ctMask, _icmpType, _icmpCode) = (from._frag, from._ctState, from._ctMask, from._icmpType, from._icmpCode);
        (_outerTci, _innerTci) = (from._outerTci, from._innerTci);
    }

    private ActionCheckState()
    {
    }

    /// <summary>For action lists without a match.</summary>
    public static ActionCheckState Unchecked() => new();

    /// <summary>The table that the rule will be in.</summary>
    public byte Table { get; }

    /// <summary>Ethertype that is known to be there, 0 if none.</summary>
    public ushort EthType { get; set; }

    /// <summary>IP protocol that is known to be there, 0 if none.</summary>
    public byte IpProto { get; set; }

    /// <summary>The packet has no Ethernet header.</summary>
    public bool IsBare { get; private set; }

    public bool ChecksTables => _checks;

    /// <summary>Inside <c>write_actions</c>.</summary>
    public bool IsLenient => _lenient;

    public bool IsIp => EthType is Keys.EthType.Ip or Keys.EthType.Ipv6;

    public bool IsMpls => EthType is Keys.EthType.Mpls or Keys.EthType.MplsMcast;

    /// <summary>The packet is known to have a VLAN tag.</summary>
    public bool HasTag => (_outerTci & TagPresent) != 0;

    public bool IsInvalidConnection => (_ctState & CtState.Inv) != 0;

    /// <summary>Ports can be written: TCP, UDP or SCTP, and not a later fragment.</summary>
    public bool HasPorts => IsIp && (_frag & NwFrag.Later) == 0 && IpProto is Keys.IpProto.Tcp or Keys.IpProto.Udp or Keys.IpProto.Sctp;

    /// <summary>For nested actions: what they guarantee ends with them. An action set is judged leniently, as in OVS.</summary>
    public ActionCheckState Nested(bool lenient = false) => new(this, lenient || _lenient);

    /// <summary>Inconsistent, which only OpenFlow 1.0 would let pass.</summary>
    public void Require(bool ok, TextPiece where, string what)
    {
        if (_checks && !_lenient && !ok) Inconsistent(where, what);
    }

    /// <summary>Inconsistent in any version of OpenFlow.</summary>
    public void RequireAlways(bool ok, TextPiece where, string what)
    {
        if (_checks && !ok) Inconsistent(where, what);
    }

    public void RequireField(Field field, TextPiece where, string role)
        => RequireAlways(HasPrerequisites(field), where, $"{role} field {field.Name} lacks correct prerequisites ({Describe(field.Prereq)})");

    public void PushTag(TextPiece where)
    {
        if (_checks && (_innerTci & TagPresent) != 0) where.Fail("actions are invalid with specified match (OFPBAC_BAD_TAG): more than two VLAN tags");
        _innerTci = _outerTci;
        _outerTci = TagPresent;
    }

    /// <summary>OVS <c>check_ENCAP</c>.</summary>
    public void Encap(uint packetType)
    {
        IsBare = packetType != OfEncap.Ethernet;
        if (IsBare) EthType = (ushort)packetType;
        if (!IsIp) IpProto = 0;
    }

    /// <summary>OVS <c>check_DECAP</c>: what stands behind anything but Ethernet is known when it has been parsed.</summary>
    public void Decap()
    {
        if (IsBare) EthType = ushort.MaxValue;
        IsBare = true;
    }

    public void PopTag() => (_outerTci, _innerTci) = (_innerTci, 0);

    /// <summary>A tag is there now, or (set_field to vlan_tci) as <paramref name="tci"/> says.</summary>
    public void SetTag(ushort tci = TagPresent) => _outerTci = (ushort)(tci == TagPresent ? _outerTci | TagPresent : tci);

    /// <summary>OVS <c>mf_are_match_prereqs_ok</c>.</summary>
    public bool HasPrerequisites(Field field) => field.Prereq switch
    {
        FieldPrereq.None => true,
        FieldPrereq.Arp => EthType is Keys.EthType.Arp or Keys.EthType.Rarp,
        FieldPrereq.VlanVid => HasTag,
        FieldPrereq.Ipv4 => EthType == Keys.EthType.Ip,
        FieldPrereq.Ipv6 => EthType == Keys.EthType.Ipv6,
        FieldPrereq.IpAny => IsIp,
        FieldPrereq.Mpls => IsMpls,
        FieldPrereq.Tcp => HasPorts && IpProto == Keys.IpProto.Tcp,
        FieldPrereq.Udp => HasPorts && IpProto == Keys.IpProto.Udp,
        FieldPrereq.Sctp => HasPorts && IpProto == Keys.IpProto.Sctp,
        FieldPrereq.Icmpv4 => EthType == Keys.EthType.Ip && IpProto == Keys.IpProto.Icmp,
        FieldPrereq.Icmpv6 => IsIcmpv6,
        FieldPrereq.Nd => IsIcmpv6 && _icmpCode == 0 && _icmpType is 135 or 136,
        FieldPrereq.NdSolicit => IsIcmpv6 && _icmpCode == 0 && _icmpType == 135,
        FieldPrereq.NdAdvert => IsIcmpv6 && _icmpCode == 0 && _icmpType == 136,
        _ => IsConnectionValid,
    };

    /// <summary>OVS <c>is_ct_valid</c> for a match.</summary>
    public bool IsConnectionValid => (_ctState & ValidStates) != 0
        || ((_ctState & CtState.Trk) != 0 && (_ctMask & CtState.Inv) != 0 && (_ctState & CtState.Inv) == 0);

    private bool IsIcmpv6 => EthType == Keys.EthType.Ipv6 && IpProto == Keys.IpProto.Icmpv6;

    private static void Inconsistent(TextPiece where, string what)
        => where.Fail($"actions are invalid with specified match (OFPBAC_MATCH_INCONSISTENT): {what}");

    private static string Describe(FieldPrereq prereq) => prereq switch
    {
        FieldPrereq.Arp => "needs arp or rarp",
        FieldPrereq.VlanVid => "needs a VLAN tag",
        FieldPrereq.Ipv4 => "needs ip",
        FieldPrereq.Ipv6 => "needs ipv6",
        FieldPrereq.IpAny => "needs ip or ipv6",
        FieldPrereq.Mpls => "needs mpls or mplsm",
        FieldPrereq.Tcp => "needs tcp or tcp6",
        FieldPrereq.Udp => "needs udp or udp6",
        FieldPrereq.Sctp => "needs sctp or sctp6",
        FieldPrereq.Icmpv4 => "needs icmp",
        FieldPrereq.Icmpv6 => "needs icmp6",
        FieldPrereq.Nd => "needs icmp6,icmp_type=135 or 136,icmp_code=0",
        FieldPrereq.NdSolicit => "needs icmp6,icmp_type=135,icmp_code=0",
        FieldPrereq.NdAdvert => "needs icmp6,icmp_type=136,icmp_code=0",
        _ => "needs ct_state of a valid connection",
    };
}
