using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Text;

/// <summary>Looks at actions that people put in by hand: what they rewrite has to be in every packet that the megaflow matches (Linux <c>__ovs_nla_copy_actions</c>).</summary>
internal static class GivenActions
{
    private const int MaxTags = 2;

    /// <summary>Why the program cannot be put in; null = it can.</summary>
    public static string? Refusal(ReadOnlySpan<DpAction> program, in FlowKey key, in FlowKey mask)
    {
        int tags = Has(key.Vlan1Tci.Host, mask.Vlan1Tci.Host) ? 2 : Has(key.Vlan0Tci.Host, mask.Vlan0Tci.Host) ? 1 : 0;
        return Refusal(program, key, mask, tags);
    }

    private static string? Refusal(ReadOnlySpan<DpAction> program, in FlowKey key, in FlowKey mask, int tags)
    {
        for (int at = 0; at < program.Length; at++)
        {
            ref readonly DpAction a = ref program[at];
            switch (a.Op)
            {
                case DpOp.Output or DpOp.Recirc or DpOp.SetEth or DpOp.SetPktMark or DpOp.SetPriority or DpOp.CtClear or DpOp.Drop:
                    break;
                case DpOp.Clone:
                    if (Refusal(program.Slice(at + 1, a.NestedCount), key, mask, tags) is { } inner) return inner;
                    at += a.NestedCount;
                    break;
                case DpOp.PushVlan:
                    if (++tags > MaxTags) return "push_vlan: there are two tags";
                    break;
                case DpOp.PopVlan:
                    if (--tags < 0) return "pop_vlan: there is no tag";
                    break;
                case DpOp.SetVlan:
                    if (tags == 0) return "set(vlan): there is no tag";
                    break;
                case DpOp.SetIpv4:
                    if (!IsOfType(EthType.Ip, key, mask)) return "set(ipv4): eth_type is not 0x0800";
                    break;
                case DpOp.SetIpv6Addr or DpOp.SetIpv6Misc:
                    if (!IsOfType(EthType.Ipv6, key, mask)) return "set(ipv6): eth_type is not 0x86dd";
                    break;
                case DpOp.SetL4:
                    if (!HasPorts(a.L4.Proto, key, mask)) return "set: proto, and that it is no later fragment, are not matched";
                    break;
                case DpOp.Ct:
                    if (!IsOfType(EthType.Ip, key, mask) && !IsOfType(EthType.Ipv6, key, mask)) return "ct: eth_type is not IP's";
                    if (a.Ct.Flags.HasFlag(DpCtFlags.Nat)) return "ct(nat): cannot be put in by hand";
                    break;
                default:
                    return $"{a.Op}: cannot be put in by hand";
            }
        }

        return null;
    }

    private static bool Has(ushort tci, ushort mask) => (tci & mask & KeyMasks.VlanPresent) != 0;

    private static bool IsOfType(ushort type, in FlowKey key, in FlowKey mask) => key.DlType.Host == type && mask.DlType.Host == 0xffff;

    private static bool HasPorts(byte proto, in FlowKey key, in FlowKey mask)
        => (IsOfType(EthType.Ip, key, mask) || IsOfType(EthType.Ipv6, key, mask)) && key.NwProto == proto && mask.NwProto == 0xff && (mask.NwFrag & NwFrag.Later) != 0 && (key.NwFrag & NwFrag.Later) == 0;
}
