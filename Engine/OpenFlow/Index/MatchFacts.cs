using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>What a match guarantees about a packet, updated along the action list: enough to judge prerequisites (OVS <c>mf_are_match_prereqs_ok</c>).</summary>
internal sealed class MatchFacts
{
    private const byte ValidBits = (byte)(CtState.New | CtState.Est | CtState.Rel | CtState.Rpl | CtState.SNat | CtState.DNat);

    private MatchFacts()
    {
    }

    /// <summary>Reads the facts from <paramref name="match"/>.</summary>
    public MatchFacts(ref Match match)
    {
        ref FlowKey mask = ref match.Mask.Key;
        ref FlowKey value = ref match.Value.Key;
        if (mask.DlType.Raw == ushort.MaxValue) EthType = value.DlType.Host;
        if (mask.NwProto == byte.MaxValue) Proto = value.NwProto;
        VlanCount = (value.Vlan0Tci.Host & KeyMasks.VlanPresent) != 0 ? 1 : 0;
        IsLaterFragment = (value.NwFrag & NwFrag.Later) != 0;
        byte state = (byte)value.CtState;
        CtInvalid = (state & (byte)CtState.Inv) != 0;
        CtValid = (state & ValidBits) != 0
            || ((state & (byte)CtState.Trk) != 0 && ((byte)mask.CtState & (byte)CtState.Inv) != 0 && !CtInvalid);
        IcmpType = mask.TpSrc.Raw != 0 ? value.TpSrc.Host : null;
        IcmpCodeZero = value.TpDst.Host == 0;
    }

    /// <summary>Ethertype, 0 = unknown.</summary>
    public ushort EthType { get; set; }

    public byte? Proto { get; set; }

    /// <summary>The packet has no Ethernet header.</summary>
    public bool IsBare { get; private set; }

    public int VlanCount { get; set; }

    public bool IsLaterFragment { get; private init; }

    public bool CtInvalid { get; private init; }

    public bool IsIp => EthType is Keys.EthType.Ip or Keys.EthType.Ipv6;

    public bool IsMpls => EthType is Keys.EthType.Mpls or Keys.EthType.MplsMcast;

    private bool CtValid { get; init; }

    private ushort? IcmpType { get; init; }

    private bool IcmpCodeZero { get; init; }

    /// <summary>Actions whose prerequisites only OpenFlow 1.0 leaves to the packet pass, as in an action set (OVS <c>ofpact_check__</c>).</summary>
    public bool IsLenient { get; private init; }

    /// <summary>The same facts for the actions of a set.</summary>
    public static MatchFacts Lenient(MatchFacts from) => from.Copy(isLenient: true);

    /// <summary>The same facts, to be changed independently.</summary>
    public MatchFacts Copy(bool isLenient = false) => new()
    {
        IsLenient = IsLenient || isLenient,
        EthType = EthType,
        Proto = Proto,
        IsBare = IsBare,
        VlanCount = VlanCount,
        IsLaterFragment = IsLaterFragment,
        CtInvalid = CtInvalid,
        CtValid = CtValid,
        IcmpType = IcmpType,
        IcmpCodeZero = IcmpCodeZero,
    };

    /// <summary>Accounts for a pushed tag; two are the limit.</summary>
    public void PushVlan(int index)
    {
        if (VlanCount >= 2) throw new FlowModException("OFPBAC_BAD_TAG", "at most two VLAN tags", index);
        VlanCount++;
    }

    /// <summary>OVS <c>check_ENCAP</c>.</summary>
    public void Encap(uint packetType)
    {
        IsBare = packetType != OfEncap.Ethernet;
        if (IsBare) EthType = (ushort)packetType;
        if (!IsIp) Proto = null;
    }

    /// <summary>OVS <c>check_DECAP</c>: what stands behind anything but Ethernet is known when it has been parsed.</summary>
    public void Decap()
    {
        if (IsBare) EthType = ushort.MaxValue;
        IsBare = true;
    }

    /// <summary>True if the prerequisite is guaranteed.</summary>
    public bool Meets(FieldPrereq prereq) => prereq switch
    {
        FieldPrereq.Arp => EthType is Keys.EthType.Arp or Keys.EthType.Rarp,
        FieldPrereq.VlanVid => VlanCount > 0,
        FieldPrereq.Ipv4 => EthType == Keys.EthType.Ip,
        FieldPrereq.Ipv6 => EthType == Keys.EthType.Ipv6,
        FieldPrereq.IpAny => IsIp,
        FieldPrereq.CtValid => CtValid,
        FieldPrereq.Mpls => IsMpls,
        FieldPrereq.Tcp => IsIp && Proto == IpProto.Tcp && !IsLaterFragment,
        FieldPrereq.Udp => IsIp && Proto == IpProto.Udp && !IsLaterFragment,
        FieldPrereq.Sctp => IsIp && Proto == IpProto.Sctp && !IsLaterFragment,
        FieldPrereq.L4 => IsIp && !IsLaterFragment && Proto is IpProto.Tcp or IpProto.Udp or IpProto.Sctp,
        FieldPrereq.Icmpv4 => EthType == Keys.EthType.Ip && Proto == IpProto.Icmp,
        FieldPrereq.Icmpv6 => EthType == Keys.EthType.Ipv6 && Proto == IpProto.Icmpv6,
        FieldPrereq.Nd => IsNd && IcmpType is 135 or 136,
        FieldPrereq.NdSolicit => IsNd && IcmpType == 135,
        FieldPrereq.NdAdvert => IsNd && IcmpType == 136,
        _ => true,
    };

    private bool IsNd => EthType == Keys.EthType.Ipv6 && Proto == IpProto.Icmpv6 && IcmpCodeZero;
}
