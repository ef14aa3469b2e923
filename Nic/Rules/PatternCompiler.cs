namespace Mergeflow.Nic;


/// <summary>Turns the items of a pattern into value and mask over <see cref="NicKey"/>, and checks them against the profile.</summary>
internal sealed class PatternCompiler(NicProfile profile, CompiledRule rule)
{
    private enum Layer
    {
        Start,
        Tunnel,
        Eth,
        Vlan,
        Mpls,
        Network,
        Transport,
        Nd,
    }

    private Layer _layer;
    private bool _hasIntegrity;

    /// <summary>Headers that the pattern requires.</summary>
    public NicHeaders Required { get; private set; }

    /// <summary>Labels that the pattern requires.</summary>
    public int LabelCount { get; private set; }

    /// <summary>Tags that the pattern requires.</summary>
    public int TagCount => (Required & NicHeaders.Vlan2) != 0 ? 2 : (Required & NicHeaders.Vlan) != 0 ? 1 : 0;

    /// <summary>Fills the rule's value and mask. Throws <see cref="FlowRejectedException"/>.</summary>
    public void Compile(FlowRule source)
    {
        if (source.Attr.IngressPort is uint port) Put(NicField.Port, "attr", port, uint.MaxValue);
        foreach (FlowItem item in source.Pattern)
        {
            if (!profile.Items.Contains(item.Name)) throw Unsupported(FlowErrorType.Item, item.Name, $"profile {profile.Name} has no item {item.Name}");
            Add(item);
        }
        CheckSupport();
    }

    private void Add(FlowItem item)
    {
        switch (item)
        {
            case FlowItemTunnel i:
                Enter(item, Layer.Tunnel, _layer == Layer.Start);
                Require(item, NicHeaders.Tunnel);
                Put(NicField.TunId, "tunnel id", i.Id.Value, i.Id.Mask);
                Put(NicField.TunSrc, "tunnel src", i.Src.Value, i.Src.Mask);
                Put(NicField.TunDst, "tunnel dst", i.Dst.Value, i.Dst.Mask);
                Put(NicField.TunOption, "tunnel option", i.Option.Value, i.Option.Mask);
                Put(NicField.TunFlags, "tunnel flags", i.Flags.Value, i.Flags.Mask);
                Put(NicField.TunTos, "tunnel tos", i.Tos.Value, i.Tos.Mask);
                Put(NicField.TunTtl, "tunnel ttl", i.Ttl.Value, i.Ttl.Mask);
                Put(NicField.TunHasOption, "tunnel has_option", i.HasOption.Value, i.HasOption.Mask);
                break;
            case FlowItemEth i:
                Enter(item, Layer.Eth, _layer <= Layer.Tunnel);
                Put(NicField.EthDst, "eth dst", i.Dst.Value, i.Dst.Mask);
                Put(NicField.EthSrc, "eth src", i.Src.Value, i.Src.Mask);
                Put(NicField.EthType, "eth type", i.Type.Value, i.Type.Mask);
                if (i.HasVlan is bool hasVlan) Put(NicField.HasVlan, "eth has_vlan", hasVlan ? NicField.HasVlan.FullMask() : 0, NicField.HasVlan.FullMask());
                if (i.HasMoreVlan is bool hasMore) Put(NicField.HasMoreVlan, "eth has_more_vlan", hasMore ? NicField.HasMoreVlan.FullMask() : 0, NicField.HasMoreVlan.FullMask());
                break;
            case FlowItemVlan i:
                bool isInner = (Required & NicHeaders.Vlan) != 0;
                Enter(item, Layer.Vlan, _layer <= Layer.Vlan && (Required & NicHeaders.Vlan2) == 0);
                if (profile.VlanTags < (isInner ? 2 : 1))
                {
                    throw Unsupported(FlowErrorType.Item, "vlan", $"profile {profile.Name} parses {profile.VlanTags} VLAN tags");
                }
                Require(item, isInner ? NicHeaders.Vlan2 : NicHeaders.Vlan);
                Put(isInner ? NicField.Vlan2Tpid : NicField.VlanTpid, "vlan tpid", i.Tpid.Value, i.Tpid.Mask);
                PutContainer(isInner ? NicField.Vlan2Vid : NicField.VlanVid, i.Tci.Value, i.Tci.Mask);
                if (i.HasMoreVlan is not bool more) break;
                if (isInner) throw Invalid(FlowErrorType.ItemSpec, "vlan", "has_more_vlan is for the outer vlan item only");
                Put(NicField.HasMoreVlan, "vlan has_more_vlan", more ? NicField.HasMoreVlan.FullMask() : 0, NicField.HasMoreVlan.FullMask());
                break;
            case FlowItemMpls i:
                Enter(item, Layer.Mpls, _layer <= Layer.Mpls && LabelCount < 3 && (Required & NicHeaders.Tunnel) == 0);
                Require(item, NicHeaders.Mpls);
                // The parser stops at the bottom of the stack: a further label is there only if this one is not the bottom.
                if (LabelCount > 0) PutContainer(LabelField(LabelCount - 1), 0, 0x100);
                PutContainer(LabelField(LabelCount++), i.Lse.Value, i.Lse.Mask);
                break;
            case FlowItemIpv4 i:
                Enter(item, Layer.Network, _layer < Layer.Mpls);
                Require(item, NicHeaders.Ipv4);
                Put(NicField.Ipv4Src, "ipv4 src", i.Src.Value, i.Src.Mask);
                Put(NicField.Ipv4Dst, "ipv4 dst", i.Dst.Value, i.Dst.Mask);
                Put(NicField.IpProto, "ipv4 proto", i.Proto.Value, i.Proto.Mask);
                PutContainer(NicField.IpDscp, i.Tos.Value, i.Tos.Mask);
                Put(NicField.IpTtl, "ipv4 ttl", i.Ttl.Value, i.Ttl.Mask);
                Put(NicField.IpFrag, "ipv4 frag", i.Frag.Value, i.Frag.Mask);
                break;
            case FlowItemIpv6 i:
                Enter(item, Layer.Network, _layer < Layer.Mpls);
                Require(item, NicHeaders.Ipv6);
                Put(NicField.Ipv6Src, "ipv6 src", i.Src.Value, i.Src.Mask);
                Put(NicField.Ipv6Dst, "ipv6 dst", i.Dst.Value, i.Dst.Mask);
                Put(NicField.IpProto, "ipv6 proto", i.Proto.Value, i.Proto.Mask);
                PutContainer(NicField.IpDscp, i.Tos.Value, i.Tos.Mask);
                Put(NicField.IpTtl, "ipv6 hop", i.Ttl.Value, i.Ttl.Mask);
                Put(NicField.Ipv6Label, "ipv6 flow label", i.FlowLabel.Value, i.FlowLabel.Mask);
                break;
            case FlowItemArp i:
                Enter(item, Layer.Network, _layer < Layer.Mpls && (Required & NicHeaders.Tunnel) == 0);
                Require(item, NicHeaders.Arp);
                Put(NicField.ArpOp, "arp op", i.Op.Value, i.Op.Mask);
                Put(NicField.ArpSpa, "arp spa", i.Spa.Value, i.Spa.Mask);
                Put(NicField.ArpTpa, "arp tpa", i.Tpa.Value, i.Tpa.Mask);
                Put(NicField.ArpSha, "arp sha", i.Sha.Value, i.Sha.Mask);
                Put(NicField.ArpTha, "arp tha", i.Tha.Value, i.Tha.Mask);
                break;
            case FlowItemTcp i:
                Enter(item, Layer.Transport, _layer == Layer.Network && (Required & (NicHeaders.Ipv4 | NicHeaders.Ipv6)) != 0);
                Require(item, NicHeaders.Tcp);
                Put(NicField.TpSrc, "tcp src", i.Src.Value, i.Src.Mask);
                Put(NicField.TpDst, "tcp dst", i.Dst.Value, i.Dst.Mask);
                Put(NicField.TcpFlags, "tcp flags", i.Flags.Value, i.Flags.Mask);
                break;
            case FlowItemUdp i:
                Enter(item, Layer.Transport, _layer == Layer.Network && (Required & (NicHeaders.Ipv4 | NicHeaders.Ipv6)) != 0);
                Require(item, NicHeaders.Udp);
                Put(NicField.TpSrc, "udp src", i.Src.Value, i.Src.Mask);
                Put(NicField.TpDst, "udp dst", i.Dst.Value, i.Dst.Mask);
                break;
            case FlowItemIcmp i:
                Enter(item, Layer.Transport, _layer == Layer.Network && (Required & NicHeaders.Ipv4) != 0);
                Require(item, NicHeaders.Icmp);
                Put(NicField.IcmpType, "icmp type", i.Type.Value, i.Type.Mask);
                Put(NicField.IcmpCode, "icmp code", i.Code.Value, i.Code.Mask);
                break;
            case FlowItemIcmp6 i:
                Enter(item, Layer.Transport, _layer == Layer.Network && (Required & NicHeaders.Ipv6) != 0);
                Require(item, NicHeaders.Icmp6);
                Put(NicField.IcmpType, "icmp6 type", i.Type.Value, i.Type.Mask);
                Put(NicField.IcmpCode, "icmp6 code", i.Code.Value, i.Code.Mask);
                break;
            case FlowItemNd i:
                Enter(item, Layer.Nd, (Required & (NicHeaders.Icmp6 | NicHeaders.Tunnel)) == NicHeaders.Icmp6 && _layer == Layer.Transport);
                Require(item, NicHeaders.Nd);
                Put(NicField.NdTarget, "icmp6_nd target", i.Target.Value, i.Target.Mask);
                Put(NicField.NdSll, "icmp6_nd sll", i.Sll.Value, i.Sll.Mask);
                Put(NicField.NdTll, "icmp6_nd tll", i.Tll.Value, i.Tll.Mask);
                break;
            case FlowItemIntegrity i:
                if (_hasIntegrity) throw Misplaced(item);
                _hasIntegrity = true;
                if (i.Ipv4CsumOk) Put(NicField.Ipv4CsumOk, "integrity", NicKey.Ipv4CsumOk, NicKey.Ipv4CsumOk);
                if (i.L4CsumOk) Put(NicField.L4CsumOk, "integrity", NicKey.L4CsumOk, NicKey.L4CsumOk);
                if ((i.Ipv4CsumOk || i.L4CsumOk) && !profile.VerifiesChecksums)
                {
                    throw Unsupported(FlowErrorType.Item, "integrity", $"profile {profile.Name} verifies no checksums");
                }
                break;
            default:
                throw Unsupported(FlowErrorType.Item, item.Name, $"unknown item {item.Name}");
        }
    }

    private static NicField LabelField(int label) => label switch
    {
        0 => NicField.MplsLabel,
        1 => NicField.Mpls2Lse,
        _ => NicField.Mpls3Lse,
    };

    private void Enter(FlowItem item, Layer layer, bool allowed)
    {
        if (!allowed) throw Misplaced(item);
        _layer = layer;
    }

    private void Require(FlowItem item, NicHeaders header)
    {
        Required |= header;
        NicFieldInfo headers = NicFields.Get(NicField.HasVlan);
        Write(headers, item.Name, (ushort)header, (ushort)header);
    }

    private void Put(NicField field, string what, UInt128 value, UInt128 mask)
    {
        NicFieldInfo f = NicFields.Get(field);
        if ((value & mask & ~f.FullMask) != 0) throw Invalid(FlowErrorType.ItemSpec, f.Name, $"{what}: value 0x{value & mask:x} is wider than the field");
        Write(f, what, value, mask & f.FullMask);
    }

    /// <summary>For containers that several fields share.</summary>
    private void PutContainer(NicField field, UInt128 value, UInt128 mask) => Write(NicFields.Get(field), field.ToString(), value, mask);

    private void Write(NicFieldInfo f, string what, UInt128 value, UInt128 mask)
    {
        Span<byte> values = rule.Value.Bytes.Slice(f.Offset, f.SizeBytes);
        Span<byte> masks = rule.Mask.Bytes.Slice(f.Offset, f.SizeBytes);
        for (int i = f.SizeBytes - 1; i >= 0; i--, value >>= 8, mask >>= 8)
        {
            byte m = (byte)mask;
            byte v = (byte)((byte)value & m);
            if (((values[i] ^ v) & masks[i] & m) != 0) throw Invalid(FlowErrorType.ItemSpec, f.Name, $"{what} contradicts another item");
            values[i] |= v;
            masks[i] |= m;
        }
    }

    private void CheckSupport()
    {
        foreach (NicFieldInfo f in NicFields.All)
        {
            UInt128 mask = f.AppliesTo(Required) ? f.Read(rule.Mask.Bytes) : 0;
            // The presence of a tag is part of a vlan item, not a use of has_vlan.
            if (f.Field == NicField.HasVlan && (Required & NicHeaders.Vlan) != 0) continue;
            if (f.Field == NicField.HasMoreVlan && (Required & NicHeaders.Vlan2) != 0) continue;
            if (mask == 0) continue;
            MatchSupport support = profile.Supports(f.Field);
            if (support == MatchSupport.None)
            {
                throw Unsupported(FlowErrorType.ItemMask, f.Name, $"profile {profile.Name} cannot match {f.Name}");
            }
            if (support == MatchSupport.Exact && mask != f.FullMask)
            {
                throw Unsupported(FlowErrorType.ItemMask, f.Name, $"profile {profile.Name} matches {f.Name} only as a whole, mask 0x{mask:x} is partial");
            }
        }
    }

    private static FlowRejectedException Misplaced(FlowItem item)
        => Invalid(FlowErrorType.Item, item.Name, $"item {item.Name} cannot stand here");

    private static FlowRejectedException Invalid(FlowErrorType type, string subject, string message)
        => new(new FlowError(FlowErrno.Invalid, type, message) { Subject = subject });

    private static FlowRejectedException Unsupported(FlowErrorType type, string subject, string message)
        => new(new FlowError(FlowErrno.NotSupported, type, message) { Subject = subject });
}
