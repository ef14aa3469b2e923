using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;
using Mergeflow.Nic;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// Writes the match of a merged rule as rte_flow items. Every bit of the mask must be accounted for: what is left over at the end has no
/// counterpart on a NIC, and the rule is refused with that field's name.
/// </summary>
/// <remarks>
/// An item also requires that its header is there and whole, which can only make the rule narrower than the mask: the rest goes to software.
/// Bits that a header's absence implies (the TCI of an untagged frame) are dropped only where that absence is matched.
/// </remarks>
internal ref struct NicMatch
{
    private readonly MergedFlow _rule;
    private readonly bool _oneTag;
    private FlowKey _left;

    private NicMatch(MergedFlow rule, bool oneTag)
    {
        (_rule, _oneTag) = (rule, oneTag);
        _left = rule.Mask;
    }

    /// <summary>The items, or null and the name of the field that cannot be matched.</summary>
    /// <param name="rule">The merged rule.</param>
    /// <param name="needsTransport">Something behind the network header changes.</param>
    /// <param name="field">The field.</param>
    /// <param name="oneTag">Software reads one tag, a device two: it leaves frames with two to software.</param>
    public static List<FlowItem>? TryTranslate(MergedFlow rule, bool needsTransport, out string? field, bool oneTag = false)
    {
        NicMatch m = new(rule, oneTag);
        List<FlowItem> items = [];
        field = m.Translate(items, needsTransport);
        return field is null ? items : null;
    }

    private readonly ref FlowKey Value => ref _rule.Value;

    private readonly ref FlowKey Mask => ref _rule.Mask;

    private string? Translate(List<FlowItem> items, bool needsTransport)
    {
        _left.InPort = default;
        if (_rule.IsInside) Tunnel(items);
        if (!Link(items, out string? field)) return field;
        bool typed = Mask.DlType.Raw == 0xffff;
        if (_oneTag && Mask.DlType.Raw != 0 && (!typed || IsTag(Value.DlType.Host))) return "vlan_limit";
        _left.DlType = default;
        switch (typed ? Value.DlType.Host : 0)
        {
            case EthType.Mpls or EthType.MplsMcast: Labels(items); break;
            case EthType.Ip: Ipv4(items, needsTransport); break;
            case EthType.Ipv6: Ipv6(items, needsTransport); break;
            case EthType.Arp or EthType.Rarp: Arp(items); break;
        }

        if (_rule.RequiresCsum) items.Add(new FlowItemIntegrity { Ipv4CsumOk = Value.DlType.Host == EthType.Ip, L4CsumOk = true });
        if (typed) DropImplied();
        return KeyBits.IsZero(ref _left) ? null : KeyBits.FieldName(ref _left);
    }

    /// <summary>What was read of the headers outside, which the device knows over IPv4.</summary>
    private void Tunnel(List<FlowItem> items)
    {
        items.Add(new FlowItemTunnel
        {
            Id = new Masked<ulong>(Value.TunId.Host, Mask.TunId.Host),
            Src = new Masked<uint>(Value.TunSrc.Host, Mask.TunSrc.Host),
            Dst = new Masked<uint>(Value.TunDst.Host, Mask.TunDst.Host),
            Tos = new Masked<byte>(Value.TunTos, Mask.TunTos),
            Ttl = new Masked<byte>(Value.TunTtl, Mask.TunTtl),
            Flags = new Masked<ushort>(Value.TunFlags.Host, Mask.TunFlags.Host),
            HasOption = new Masked<byte>(Value.TunOptions, Mask.TunOptions),
            Option = new Masked<ulong>(Value.TunMetadata0.Host, Mask.TunMetadata0.Host),
        });
        _left.TunId = default;
        _left.TunSrc = _left.TunDst = default;
        _left.TunTos = _left.TunTtl = _left.TunOptions = 0;
        _left.TunFlags = default;
        _left.TunMetadata0 = default;

        // There are none over IPv4.
        if (Value.TunIpv6Src.IsZero) _left.TunIpv6Src = default;
        if (Value.TunIpv6Dst.IsZero) _left.TunIpv6Dst = default;
        if (Value.TunGbpId.Raw == 0) _left.TunGbpId = default;
        if (Value.TunGbpFlags == 0) _left.TunGbpFlags = 0;
    }

    /// <summary>Fields of headers that a frame of this dl_type cannot have read as 0, and 0 is what the rule wants.</summary>
    private void DropImplied()
    {
        ushort type = Value.DlType.Host;
        if (type is not (EthType.Ip or EthType.Ipv6)) _left.NwFrag &= (NwFrag)(byte)~(byte)(Value.NwFrag == NwFrag.No ? 0xff : 0);
        if (type is EthType.Mpls or EthType.MplsMcast || (Value.MplsLse0.Raw | Value.MplsLse1.Raw | Value.MplsLse2.Raw) != 0) return;
        _left.MplsLse0 = _left.MplsLse1 = _left.MplsLse2 = default;
    }

    private bool Link(List<FlowItem> items, out string? field)
    {
        field = null;
        ushort tciMask = Mask.Vlan0Tci.Host;
        ushort tci = Value.Vlan0Tci.Host;
        bool tagged = (tci & tciMask) != 0;
        bool untagged = (tciMask & KeyMasks.VlanPresent) != 0 && !tagged;
        if (tciMask != 0 && !tagged && !untagged)
        {
            // "Untagged, or tagged with these bits zero" is two rules on a NIC.
            field = "vlan_tci";
            return false;
        }

        items.Add(new FlowItemEth
        {
            Dst = new Masked<ulong>(Value.DlDst.ToUInt64(), Mask.DlDst.ToUInt64()),
            Src = new Masked<ulong>(Value.DlSrc.ToUInt64(), Mask.DlSrc.ToUInt64()),
            Type = new Masked<ushort>(Value.DlType.Host, Mask.DlType.Host),
            HasVlan = untagged ? false : null,
            HasMoreVlan = _oneTag && !tagged && !untagged ? false : null,
        });
        _left.DlDst = _left.DlSrc = default;
        _left.Vlan0Tci = default;
        if (untagged)
        {
            if ((Value.Vlan1Tci.Raw | Value.Vlan0Tpid.Raw | Value.Vlan1Tpid.Raw) == 0) _left.Vlan0Tpid = _left.Vlan1Tci = _left.Vlan1Tpid = default;
            return true;
        }

        if (tagged) Tags(items, tci, tciMask);
        return true;
    }

    private void Tags(List<FlowItem> items, ushort tci, ushort tciMask)
    {
        ushort innerMask = Mask.Vlan1Tci.Host;
        bool hasInner = (Value.Vlan1Tci.Host & innerMask) != 0;
        bool noInner = (innerMask & KeyMasks.VlanPresent) != 0 && !hasInner;
        items.Add(new FlowItemVlan
        {
            Tci = new Masked<ushort>(tci, (ushort)(tciMask & ~KeyMasks.VlanPresent)),
            Tpid = new Masked<ushort>(Value.Vlan0Tpid.Host, Mask.Vlan0Tpid.Host),
            HasMoreVlan = noInner || _oneTag ? false : null,
        });
        _left.Vlan0Tpid = default;
        if (hasInner)
        {
            items.Add(new FlowItemVlan
            {
                Tci = new Masked<ushort>(Value.Vlan1Tci.Host, (ushort)(innerMask & ~KeyMasks.VlanPresent)),
                Tpid = new Masked<ushort>(Value.Vlan1Tpid.Host, Mask.Vlan1Tpid.Host),
            });
        }

        if (hasInner || (noInner && Value.Vlan1Tpid.Raw == 0)) _left.Vlan1Tci = _left.Vlan1Tpid = default;
    }

    private void Labels(List<FlowItem> items)
    {
        ReadOnlySpan<Be32> values = [Value.MplsLse0, Value.MplsLse1, Value.MplsLse2];
        ReadOnlySpan<Be32> masks = [Mask.MplsLse0, Mask.MplsLse1, Mask.MplsLse2];
        for (int i = 0; i < 3 && (masks[i].Raw & values[i].Raw) != 0; i++)
        {
            items.Add(new FlowItemMpls { Lse = new Masked<uint>(values[i].Host, masks[i].Host) });
            if (i == 0) _left.MplsLse0 = default;
            else if (i == 1) _left.MplsLse1 = default;
            else _left.MplsLse2 = default;
        }
    }

    private void Ipv4(List<FlowItem> items, bool needsTransport)
    {
        if (!Touches(Lanes.Network) && Mask.NwFrag == NwFrag.No && !needsTransport) return;
        items.Add(new FlowItemIpv4
        {
            Src = new Masked<uint>(Value.NwSrc.Host, Mask.NwSrc.Host),
            Dst = new Masked<uint>(Value.NwDst.Host, Mask.NwDst.Host),
            Proto = new Masked<byte>(Value.NwProto, Mask.NwProto),
            Tos = new Masked<byte>(Value.NwTos, Mask.NwTos),
            Ttl = new Masked<byte>(Value.NwTtl, Mask.NwTtl),
            Frag = new Masked<byte>((byte)Value.NwFrag, (byte)((byte)Mask.NwFrag & 3)),
        });
        _left.NwSrc = _left.NwDst = default;
        TakeNetwork();
        Transport(items, needsTransport);
    }

    private void Ipv6(List<FlowItem> items, bool needsTransport)
    {
        if (!Touches(Lanes.Network) && !Touches(Lanes.Ipv6) && Mask.NwFrag == NwFrag.No && Mask.Ipv6Label.Raw == 0 && !needsTransport) return;

        // The item never matches a packet with a fragment header.
        if (Value.NwFrag != NwFrag.No) return;
        items.Add(new FlowItemIpv6
        {
            Src = new Masked<UInt128>(Value.Ipv6Src.ToUInt128(), Mask.Ipv6Src.ToUInt128()),
            Dst = new Masked<UInt128>(Value.Ipv6Dst.ToUInt128(), Mask.Ipv6Dst.ToUInt128()),
            Proto = new Masked<byte>(Value.NwProto, Mask.NwProto),
            Tos = new Masked<byte>(Value.NwTos, Mask.NwTos),
            Ttl = new Masked<byte>(Value.NwTtl, Mask.NwTtl),
            FlowLabel = new Masked<uint>(Value.Ipv6Label.Host, Mask.Ipv6Label.Host & 0xf_ffff),
        });
        _left.Ipv6Src = _left.Ipv6Dst = default;
        _left.Ipv6Label = default;
        TakeNetwork();
        Transport(items, needsTransport);
    }

    private void TakeNetwork()
    {
        _left.NwProto = _left.NwTos = _left.NwTtl = 0;
        _left.NwFrag = NwFrag.No;
    }

    private void Transport(List<FlowItem> items, bool needed)
    {
        if (Mask.NwProto != 0xff || (!needed && (Mask.TpSrc.Raw | Mask.TpDst.Raw | Mask.TcpFlags.Raw) == 0 && !Touches(Lanes.Neighbor) && !_rule.RequiresCsum)) return;
        Masked<ushort> src = new(Value.TpSrc.Host, Mask.TpSrc.Host);
        Masked<ushort> dst = new(Value.TpDst.Host, Mask.TpDst.Host);
        switch (Value.NwProto)
        {
            case IpProto.Tcp:
                items.Add(new FlowItemTcp { Src = src, Dst = dst, Flags = new Masked<ushort>(Value.TcpFlags.Host, (ushort)(Mask.TcpFlags.Host & 0xfff)) });
                _left.TcpFlags = default;
                break;
            case IpProto.Udp:
                items.Add(new FlowItemUdp { Src = src, Dst = dst });
                if (Value.TcpFlags.Raw == 0) _left.TcpFlags = default;
                break;
            case IpProto.Icmp when src.Value < 256 && dst.Value < 256 && Value.DlType.Host == EthType.Ip:
                items.Add(new FlowItemIcmp { Type = Low(src), Code = Low(dst) });
                break;
            case IpProto.Icmpv6 when src.Value < 256 && dst.Value < 256 && Value.DlType.Host == EthType.Ipv6:
                items.Add(new FlowItemIcmp6 { Type = Low(src), Code = Low(dst) });
                Discovery(items);
                break;
            default:
                return;
        }

        _left.TpSrc = _left.TpDst = default;
    }

    private void Discovery(List<FlowItem> items)
    {
        if (!Touches(Lanes.Neighbor)) return;
        items.Add(new FlowItemNd
        {
            Target = new Masked<UInt128>(Value.NdTarget.ToUInt128(), Mask.NdTarget.ToUInt128()),
            Sll = new Masked<ulong>(Value.ArpSha.ToUInt64(), Mask.ArpSha.ToUInt64()),
            Tll = new Masked<ulong>(Value.ArpTha.ToUInt64(), Mask.ArpTha.ToUInt64()),
        });
        FlowKey.Lane(ref _left, Lanes.Neighbor) = Vector256<byte>.Zero;
    }

    private void Arp(List<FlowItem> items)
    {
        if (!Touches(Lanes.Network) && !Touches(Lanes.Neighbor)) return;
        items.Add(new FlowItemArp
        {
            Op = new Masked<ushort>(Value.NwProto, Mask.NwProto),
            Spa = new Masked<uint>(Value.NwSrc.Host, Mask.NwSrc.Host),
            Tpa = new Masked<uint>(Value.NwDst.Host, Mask.NwDst.Host),
            Sha = new Masked<ulong>(Value.ArpSha.ToUInt64(), Mask.ArpSha.ToUInt64()),
            Tha = new Masked<ulong>(Value.ArpTha.ToUInt64(), Mask.ArpTha.ToUInt64()),
        });
        _left.NwProto = 0;
        _left.NwSrc = _left.NwDst = default;
        _left.ArpSha = _left.ArpTha = default;
    }

    /// <summary>What software that reads one tag takes for the type of a frame with two.</summary>
    private static bool IsTag(ushort type) => type is EthType.Vlan or EthType.QinQ;

    private static Masked<byte> Low(Masked<ushort> word) => new((byte)word.Value, (byte)word.Mask);

    private readonly bool Touches(int lane) => FlowKey.Lane(ref _rule.Mask, lane) != Vector256<byte>.Zero;
}
