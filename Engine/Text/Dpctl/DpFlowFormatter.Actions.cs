using System.Globalization;
using System.Text;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Text;

/// <summary>Datapath actions (OVS <c>format_odp_actions</c>).</summary>
public static partial class DpFlowFormatter
{
    /// <summary>The program as OVS prints it; <c>drop</c> if it is empty. What Open vSwitch leaves to its slow path is that alone, whatever comes of it.</summary>
    public static string FormatActions(ReadOnlySpan<DpAction> actions, PortNames? ports = null)
    {
        foreach (ref readonly DpAction a in actions)
        {
            if (IsSlow(a)) return FormatAction(a, ports);
        }

        return FormatCarriedOut(actions, ports);
    }

    /// <summary>The same with what comes of it, as traces tell it.</summary>
    public static string FormatCarriedOut(ReadOnlySpan<DpAction> actions, PortNames? ports = null)
    {
        var s = new StringBuilder();
        AppendActions(s, actions, ports);
        return s.ToString();
    }

    private static void AppendActions(StringBuilder s, ReadOnlySpan<DpAction> actions, PortNames? ports)
    {
        int begin = s.Length;
        for (int at = 0; at < actions.Length; at++)
        {
            if (IsSlow(actions[at])) continue;
            if (s.Length > begin) s.Append(',');
            ref readonly DpAction a = ref actions[at];
            ReadOnlySpan<DpAction> rest = actions[(at + 1)..];
            int nested = Math.Min(a.NestedCount, rest.Length);
            int other = Math.Min(a.ElseCount, rest.Length - nested);
            switch (a.Op)
            {
                case DpOp.Clone:
                    AppendActions(s.Append("clone("), rest[..nested], ports);
                    s.Append(')');
                    break;
                case DpOp.Sample:
                    s.Append(CultureInfo.InvariantCulture, $"sample(sample={100.0 * a.Probability / uint.MaxValue:0.0}%,actions(");
                    AppendActions(s, rest[..nested], ports);
                    s.Append("))");
                    break;
                case DpOp.CheckPktLen:
                    AppendActions(s.Append($"check_pkt_len(size={a.LengthBytes},gt("), rest[..nested], ports);
                    AppendActions(s.Append("),le("), rest.Slice(nested, other), ports);
                    s.Append("))");
                    break;
                default:
                    s.Append(FormatAction(a, ports));
                    break;
            }

            at += nested + other;
        }

        if (s.Length == begin) s.Append("drop");
    }

    private static bool IsSlow(in DpAction a) => a.Op == DpOp.Userspace && a.Userspace.Reason == UserspaceReason.Multicast;

    private static string FormatAction(in DpAction a, PortNames? ports) => a.Op switch
    {
        DpOp.Output => Port(a.Port, ports),
        DpOp.PushVlan => $"push_vlan({(a.EthType == EthType.Vlan ? "" : $"tpid=0x{a.EthType:x4},")}{FormatTci(a.VlanTci, 0xffff)})",
        DpOp.PopVlan => "pop_vlan",
        DpOp.PushMpls => $"push_mpls({FormatLse(a.MplsLse)},eth_type=0x{a.EthType:x})",
        DpOp.PopMpls => $"pop_mpls(eth_type=0x{a.EthType:x})",
        DpOp.Ct => FormatCt(a.Ct),
        DpOp.CtClear => "ct_clear",
        DpOp.Hash => a.Hash.Algorithm switch
        {
            0 => $"hash(l4({a.Hash.Basis}))",
            1 => $"hash(sym_l4({a.Hash.Basis}))",
            _ => $"hash(Unknown hash algorithm({a.Hash.Algorithm}))",
        },
        DpOp.Recirc => $"recirc({NumberText.Hex(a.RecircId)})",
        DpOp.Truncate => $"trunc({a.LengthBytes})",
        DpOp.Meter => $"meter({a.MeterId})",
        DpOp.Userspace => FormatUserspace(a.Userspace, ports),
        DpOp.TnlPop => $"tnl_pop({Port(a.Port, ports)})",
        DpOp.TnlPush => FormatPush(a, ports),
        DpOp.Drop => "drop",
        DpOp.AddMpls => $"add_mpls({FormatLse(a.MplsLse)},eth_type=0x{a.EthType:x})",
        DpOp.PushEth => $"push_eth(src={a.Eth.Src},dst={a.Eth.Dst})",
        DpOp.PopEth => "pop_eth",
        _ => $"set({FormatSet(a)})",
    };

    private static string FormatSet(in DpAction a)
    {
        var w = new DpAttributeWriter(verbose: false);
        switch (a.Op)
        {
            case DpOp.SetEth:
                w.Begin("eth");
                w.Ethernet("src", a.Eth.Src, a.Eth.SrcMask);
                w.Ethernet("dst", a.Eth.Dst, a.Eth.DstMask);
                break;
            case DpOp.SetVlan:
                return $"vlan({FormatTci(a.Vlan.Tci.Host, a.Vlan.TciMask.Host)})";
            case DpOp.SetIpv4:
                w.Begin("ipv4");
                w.Ipv4("src", a.Ipv4.Src.Host, a.Ipv4.SrcMask.Host);
                w.Ipv4("dst", a.Ipv4.Dst.Host, a.Ipv4.DstMask.Host);
                w.Hex("tos", a.Ipv4.Tos, a.Ipv4.TosMask, byte.MaxValue);
                w.Number("ttl", a.Ipv4.Ttl, a.Ipv4.TtlMask, byte.MaxValue);
                break;
            case DpOp.SetIpv6Addr:
                w.Begin("ipv6");
                w.Ipv6("src", a.Ipv6.Src, a.Ipv6.SrcMask);
                w.Ipv6("dst", a.Ipv6.Dst, a.Ipv6.DstMask);
                break;
            case DpOp.SetIpv6Misc:
                w.Begin("ipv6");
                w.Hex("label", a.Ipv6Misc.Label.Host, a.Ipv6Misc.LabelMask.Host & 0xfffff, 0xfffff);
                w.Hex("tclass", a.Ipv6Misc.TrafficClass, a.Ipv6Misc.TrafficClassMask, byte.MaxValue);
                w.Number("hlimit", a.Ipv6Misc.HopLimit, a.Ipv6Misc.HopLimitMask, byte.MaxValue);
                break;
            case DpOp.SetL4:
                AppendSetL4(w, a.L4);
                break;
            case DpOp.SetArp:
                w.Begin("arp");
                w.Ipv4("sip", a.Arp.Spa.Host, a.Arp.SpaMask.Host);
                w.Ipv4("tip", a.Arp.Tpa.Host, a.Arp.TpaMask.Host);
                w.Number("op", a.Arp.Op.Host, a.Arp.OpMask.Host, ushort.MaxValue);
                w.Ethernet("sha", a.Arp.Sha, a.Arp.ShaMask);
                w.Ethernet("tha", a.Arp.Tha, a.Arp.ThaMask);
                break;
            case DpOp.SetNd:
                w.Begin("nd");
                w.Ipv6("target", a.Nd.Target, a.Nd.TargetMask);
                w.Ethernet("sll", a.Nd.Sll, a.Nd.SllMask);
                w.Ethernet("tll", a.Nd.Tll, a.Nd.TllMask);
                break;
            case DpOp.SetMpls:
                return $"mpls({FormatLse(a.Mpls.Lse.Host, a.Mpls.LseMask.Host)})";
            case DpOp.SetPriority:
                return $"skb_priority({NumberText.Hex(a.Port)})";
            case DpOp.SetPktMark:
                w.Begin("skb_mark");
                w.Value(a.PktMark.Mark, a.PktMark.MarkMask, uint.MaxValue);
                break;
            case DpOp.SetTunnel:
                return FormatTunnel(a.Tunnel);
            default:
                throw new ArgumentException($"no text form for {a.Op}", nameof(a));
        }

        w.End();
        return w.ToString();
    }

    private static void AppendSetL4(DpAttributeWriter w, in DpSetL4 l4)
    {
        bool icmp = l4.Proto is IpProto.Icmp or IpProto.Icmpv6;
        uint full = icmp ? byte.MaxValue : ushort.MaxValue;
        w.Begin(l4.Proto switch
        {
            IpProto.Udp => "udp",
            IpProto.Sctp => "sctp",
            IpProto.Icmp => "icmp",
            IpProto.Icmpv6 => "icmpv6",
            _ => "tcp",
        });
        w.Number(icmp ? "type" : "src", l4.Src.Host & full, l4.SrcMask.Host & full, full);
        w.Number(icmp ? "code" : "dst", l4.Dst.Host & full, l4.DstMask.Host & full, full);
    }

    private static string FormatTunnel(in DpSetTunnel t)
    {
        var w = new DpAttributeWriter(verbose: false);
        w.Begin("tunnel");
        if (t.Id.Host != 0) w.Hex("tun_id", t.Id.Host, ulong.MaxValue, ulong.MaxValue);
        if (t.Src.Raw != 0) w.Ipv4("src", t.Src.Host, uint.MaxValue);
        if (t.Dst.Raw != 0) w.Ipv4("dst", t.Dst.Host, uint.MaxValue);
        if (!t.Ipv6Src.IsZero) w.Part("ipv6_src", t.Ipv6Src.ToString());
        if (!t.Ipv6Dst.IsZero) w.Part("ipv6_dst", t.Ipv6Dst.ToString());
        if (t.Tos != 0) w.Hex("tos", t.Tos, byte.MaxValue, byte.MaxValue);
        w.Number("ttl", t.Ttl, byte.MaxValue, byte.MaxValue);
        if (t.DestinationPort.Raw != 0) w.Number("tp_dst", t.DestinationPort.Host, ushort.MaxValue, ushort.MaxValue);
        w.Part("", $"flags({FlagText.Tunnel.FormatPlain(t.Flags.Host, '|')})");
        w.End();
        return w.ToString();
    }

    /// <summary><c>label=16,tc=0,ttl=64,bos=1</c>, each with its mask unless all of the entry is written (OVS <c>format_mpls</c>).</summary>
    internal static string FormatLse(uint lse, uint mask) => mask == uint.MaxValue ? FormatLse(lse) : FormatMaskedLse(lse, mask);

    internal static string FormatLse(uint lse) => $"label={lse >> 12},tc={lse >> 9 & 7},ttl={lse & 0xff},bos={lse >> 8 & 1}";

    internal static string FormatMaskedLse(uint lse, uint mask)
        => $"label={lse >> 12}/0x{mask >> 12:x},tc={lse >> 9 & 7}/{mask >> 9 & 7:x},ttl={lse & 0xff}/0x{mask & 0xff:x},bos={lse >> 8 & 1}/{mask >> 8 & 1:x}";

    private static string FormatUserspace(in DpUserspace u, PortNames? ports)
    {
        if (u.Reason == UserspaceReason.Lacp) return "userspace(pid=0,slow_path(lacp))";
        if (u.Reason == UserspaceReason.Multicast) return "userspace(pid=0,slow_path(action))";
        if (u.Reason == UserspaceReason.Bfd) return "userspace(pid=0,slow_path(bfd))";
        if (u.Reason == UserspaceReason.Controller)
        {
            return $"userspace(pid=0,controller(reason={(int)u.PacketInReason},dont_send={(u.IsSilent ? 1 : 0)},continuation={(u.Continues ? 1 : 0)},recirc_id={u.RecircId},"
                + $"rule_cookie={NumberText.Hex(u.Cookie)},controller_id={u.ControllerId},max_len={u.MaxLengthBytes}))";
        }

        string direction = u.Direction switch { 1 => ",ingress", 2 => ",egress", _ => "" };
        return $"userspace(pid=0,flow_sample(probability={u.Probability},collector_set_id={u.CollectorSetId},obs_domain_id={u.ObservationDomainId},"
            + $"obs_point_id={u.ObservationPointId},output_port={Port(u.OutputPort, ports)}{direction}))";
    }

    private static string FormatCt(in DpCt ct)
    {
        var parts = new List<string>();
        if (ct.Flags.HasFlag(DpCtFlags.Commit) && !ct.Flags.HasFlag(DpCtFlags.Force)) parts.Add("commit");
        if (ct.Flags.HasFlag(DpCtFlags.Force)) parts.Add("force_commit");
        if (ct.Zone != 0) parts.Add($"zone={ct.Zone}");
        if (ct.MarkMask != 0) parts.Add($"mark={NumberText.Hex(ct.Mark)}/{NumberText.Hex(ct.MarkMask)}");
        if (!ct.LabelMask.IsZero)
        {
            UInt128 mask = ct.LabelMask.ToUInt128();
            parts.Add($"label={NumberText.Hex(ct.Label.ToUInt128())}{(mask == UInt128.MaxValue ? "" : "/" + NumberText.Hex(mask))}");
        }

        if (ct.Flags.HasFlag(DpCtFlags.AlgFtp)) parts.Add("helper=ftp");
        if (ct.Flags.HasFlag(DpCtFlags.AlgTftp)) parts.Add("helper=tftp");
        if (ct.TimeoutPolicy != 0) parts.Add($"timeout=ovs_tp_{ct.TimeoutPolicy}");
        if (ct.Flags.HasFlag(DpCtFlags.Nat)) parts.Add(FormatNat(ct));
        return parts.Count == 0 ? "ct" : $"ct({string.Join(',', parts)})";
    }

    private static string FormatNat(in DpCt ct)
    {
        if (ct.Nat == NatKind.None) return "nat";
        bool v6 = ct.Flags.HasFlag(DpCtFlags.NatIpv6);
        string text = ct.Nat == NatKind.Src ? "nat(src" : "nat(dst";
        if (!ct.NatAddrMin.IsZero)
        {
            // IPv4 addresses stand in the first four bytes.
            UInt128 min = ct.NatAddrMin.ToUInt128(), max = ct.NatAddrMax.ToUInt128();
            text += "=" + (v6
                ? NatText.Range(true, min, max, ct.NatPortMin, ct.NatPortMax)
                : NatText.Range(false, min >> 96, max >> 96, ct.NatPortMin, ct.NatPortMax));
        }

        if (ct.Flags.HasFlag(DpCtFlags.NatPersistent)) text += ",persistent";
        if (ct.Flags.HasFlag(DpCtFlags.NatHash)) text += ",hash";
        if (ct.Flags.HasFlag(DpCtFlags.NatRandom)) text += ",random";
        return text + ")";
    }
}
