using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Nic;

namespace Mergeflow.Engine.Offload;

/// <summary>Writes the program of a merged rule as rte_flow actions.</summary>
internal static class NicProgram
{
    /// <summary>The actions, or null and the name of the action that a NIC does not have.</summary>
    public static List<FlowAction>? TryTranslate(MergedFlow rule, out string? action)
    {
        List<FlowAction> actions = [new FlowActionCount()];
        action = Add(rule, rule.Program, actions);
        if (rule.Program.Length == 0) actions.Add(new FlowActionDrop());
        return action is null ? actions : null;
    }

    /// <summary>True if an action touches the transport header, so that the pattern must require one.</summary>
    public static bool NeedsTransport(MergedFlow rule) => Array.Exists(rule.Program, static a => a.Op == DpOp.SetL4);

    private static string? Add(MergedFlow rule, ReadOnlySpan<DpAction> program, List<FlowAction> actions)
    {
        for (int i = 0; i < program.Length; i++)
        {
            ref readonly DpAction a = ref program[i];
            if (a.Op != DpOp.Clone)
            {
                if (AddOne(rule, in a, actions) is string unsupported) return unsupported;
                continue;
            }

            List<FlowAction> nested = [];
            if (Add(rule, program.Slice(i + 1, a.NestedCount), nested) is string inner) return inner;
            actions.Add(new FlowActionSample(nested));
            i += a.NestedCount;
        }

        return null;
    }

    private static string? AddOne(MergedFlow rule, ref readonly DpAction a, List<FlowAction> actions)
    {
        switch (a.Op)
        {
            case DpOp.TnlPop:
                actions.Add(new FlowActionTunnelDecap(a.Port, TypeOf(a.TunnelKind)) { OptionClass = a.Option.Class, OptionType = a.Option.Type, OptionBytes = a.Option.LengthBytes });
                return null;
            case DpOp.TnlPush:
                actions.Add(new FlowActionTunnelEncap(a.CountedPort, TypeOf(a.Push.Kind), a.Push.Bytes.ToArray()));
                return null;
            case DpOp.Output:
                actions.Add(new FlowActionPort(a.Port));
                return null;
            case DpOp.SetEth:
                if (a.Eth.DstMask.ToUInt64() is ulong dst and not 0) actions.Add(new FlowActionSetMacDst(new Masked<ulong>(a.Eth.Dst.ToUInt64(), dst)));
                if (a.Eth.SrcMask.ToUInt64() is ulong src and not 0) actions.Add(new FlowActionSetMacSrc(new Masked<ulong>(a.Eth.Src.ToUInt64(), src)));
                return null;
            case DpOp.SetIpv4:
                if (a.Ipv4.SrcMask.Raw != 0) actions.Add(new FlowActionSetIpv4Src(new Masked<uint>(a.Ipv4.Src.Host, a.Ipv4.SrcMask.Host)));
                if (a.Ipv4.DstMask.Raw != 0) actions.Add(new FlowActionSetIpv4Dst(new Masked<uint>(a.Ipv4.Dst.Host, a.Ipv4.DstMask.Host)));
                return AddTosTtl(a.Ipv4.Tos, a.Ipv4.TosMask, a.Ipv4.Ttl, a.Ipv4.TtlMask, actions);
            case DpOp.SetIpv6Addr:
                if (!a.Ipv6.SrcMask.IsZero) actions.Add(new FlowActionSetIpv6Src(new Masked<UInt128>(a.Ipv6.Src.ToUInt128(), a.Ipv6.SrcMask.ToUInt128())));
                if (!a.Ipv6.DstMask.IsZero) actions.Add(new FlowActionSetIpv6Dst(new Masked<UInt128>(a.Ipv6.Dst.ToUInt128(), a.Ipv6.DstMask.ToUInt128())));
                return null;
            case DpOp.SetIpv6Misc:
                if (a.Ipv6Misc.LabelMask.Raw != 0) return "set_ipv6_label";
                return AddTosTtl(a.Ipv6Misc.TrafficClass, a.Ipv6Misc.TrafficClassMask, a.Ipv6Misc.HopLimit, a.Ipv6Misc.HopLimitMask, actions);
            case DpOp.SetL4:
                if (rule.Value.NwProto is not (IpProto.Tcp or IpProto.Udp)) return rule.Value.NwProto == IpProto.Sctp ? "set_sctp" : "set_icmp";
                if (a.L4.SrcMask.Raw != 0) actions.Add(new FlowActionSetTpSrc(new Masked<ushort>(a.L4.Src.Host, a.L4.SrcMask.Host)));
                if (a.L4.DstMask.Raw != 0) actions.Add(new FlowActionSetTpDst(new Masked<ushort>(a.L4.Dst.Host, a.L4.DstMask.Host)));
                return null;
            case DpOp.SetVlan:
                // The presence bit of the key is no bit of the tag: a rewritten tag leaves with DEI 0, as a new one does.
                actions.Add(new FlowActionOfSetVlanTci(new Masked<ushort>((ushort)(a.Vlan.Tci.Host & ~KeyMasks.VlanPresent), (ushort)(a.Vlan.TciMask.Host | KeyMasks.VlanPresent))));
                return null;
            case DpOp.PushVlan:
                actions.Add(new FlowActionOfPushVlan(a.EthType));
                if ((a.VlanTci & ~KeyMasks.VlanPresent) is int tci and not 0) actions.Add(new FlowActionOfSetVlanTci(Masked<ushort>.Exact((ushort)tci)));
                return null;
            case DpOp.PopVlan:
                actions.Add(new FlowActionOfPopVlan());
                return null;
            case DpOp.SetMpls:
                actions.Add(new FlowActionOfSetMpls(new Masked<uint>(a.Mpls.Lse.Host, a.Mpls.LseMask.Host)));
                return null;
            case DpOp.PushMpls:
                actions.Add(new FlowActionOfPushMpls(a.EthType, a.MplsLse));
                return null;
            case DpOp.PopMpls:
                actions.Add(new FlowActionOfPopMpls(a.EthType));
                return null;
            case DpOp.SetArp:
                return "set_arp";
            default:
                return a.Op.ToString();
        }
    }

    private static FlowTunnelType TypeOf(TunnelKind kind) => kind switch
    {
        TunnelKind.Vxlan => FlowTunnelType.Vxlan,
        TunnelKind.Geneve => FlowTunnelType.Geneve,
        _ => FlowTunnelType.Gre,
    };

    private static string? AddTosTtl(byte tos, byte tosMask, byte ttl, byte ttlMask, List<FlowAction> actions)
    {
        if (tosMask != 0) actions.Add(new FlowActionSetTos(new Masked<byte>(tos, tosMask)));
        if (ttlMask is not (0 or 0xff)) return "set_ttl";
        if (ttlMask != 0) actions.Add(new FlowActionSetTtl(ttl));
        return null;
    }
}
