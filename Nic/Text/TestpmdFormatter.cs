using System.Net;
using System.Numerics;
using System.Text;

namespace Mergeflow.Nic;

/// <summary>
/// Prints a rule as commands for DPDK's testpmd (Testpmd User Guide, "Flow rules management"). What the old <c>set_*</c> actions cannot say,
/// a write under a mask, becomes <c>modify_field</c>, one per run of bits. What its grammar has no word for is left out and named by <see cref="Unsaid"/>, so that what is
/// printed can be typed; the grammar is that of DPDK 22.11, whose testpmd has read the commands of the recorded cases.
/// </summary>
public static class TestpmdFormatter
{
    /// <summary>Characters of a line that its prompt reads (<c>RDLINE_BUF_SIZE</c> less the end); of a longer command it takes the beginning, and refuses that.</summary>
    public const int MaxLineChars = 511;

    private const ulong AllMacBits = 0xffff_ffff_ffff;
    private const int DeiBit = 0x1000;

    /// <summary>One line per command: a <c>set sample_actions</c> for each sample, then the <c>flow create</c>.</summary>
    public static string Format(FlowRule rule)
    {
        var samples = new StringBuilder();
        var actions = new StringBuilder();
        int sampleCount = 0;
        bool isIpv6 = rule.Pattern.Any(static i => i is FlowItemIpv6);
        bool isUdp = rule.Pattern.Any(static i => i is FlowItemUdp);
        foreach (FlowAction a in rule.Actions)
        {
            if (a is FlowActionSample sample)
            {
                samples.Append($"set sample_actions {sampleCount} ");
                foreach (FlowAction nested in sample.Actions) AppendAction(samples, nested, isIpv6, isUdp);
                samples.Append("end\n");
                actions.Append($"sample ratio 1 index {sampleCount++} / ");
                continue;
            }
            AppendAction(actions, a, isIpv6, isUdp);
        }
        return $"{samples}flow create {rule.Attr.IngressPort ?? 0} ingress pattern {TestpmdPattern.Format(rule.Pattern)}end actions {actions}end";
    }

    /// <summary>What <see cref="Format"/> had to leave out.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="inexact">With these left out the command takes or leaves more than the rule.</param>
    /// <param name="missingActions">With these left out the command does something else.</param>
    public static void Unsaid(FlowRule rule, out IReadOnlyList<string> inexact, out IReadOnlyList<string> missingActions)
    {
        List<string> more = [], other = [];
        if (rule.Pattern.OfType<FlowItemMpls>().Any(static i => (i.Lse.Mask & 0xff) != 0)) more.Add("ttl of mpls");
        if (rule.Pattern.OfType<FlowItemArp>().Any(static i => i.Op.Mask != 0)) more.Add("opcode of arp_eth_ipv4");
        FlowAction[] nested = [.. rule.Actions.OfType<FlowActionSample>().SelectMany(static s => s.Actions)];
        if (nested.Any(static a => a is not (FlowActionPort or FlowActionCount))) other.Add("changes in a copy (sample_actions)");
        bool isNew = false;
        if (rule.Pattern.Any(static i => i is FlowItemTunnel)) more.Add("what was outside (tunnel)");
        foreach (FlowAction action in rule.Actions)
        {
            if (action is FlowActionTunnelDecap or FlowActionTunnelEncap) other.Add($"outer headers ({action.Name})");
            // A new tag comes without the bit.
            if (action is FlowActionOfSetVlanTci { Tci: var tci } && (tci.Mask & DeiBit) != 0)
            {
                if ((tci.Value & DeiBit) != 0) other.Add("set the DEI bit");
                else if (!isNew) more.Add("clear the DEI bit");
            }

            if (action is FlowActionOfPushMpls or FlowActionOfSetMpls) other.Add("write mpls (modify_field)");
            isNew = action is FlowActionOfPushVlan;
        }

        (inexact, missingActions) = ([.. more.Distinct()], [.. other.Distinct()]);
    }

    private static void AppendAction(StringBuilder s, FlowAction action, bool isIpv6, bool isUdp)
    {
        string l4 = isUdp ? "udp" : "tcp";
        switch (action)
        {
            case FlowActionSetMacSrc a:
                AppendSet(s, a.Mac.Value, a.Mac.Mask & AllMacBits, AllMacBits, $"set_mac_src mac_addr {Mac(a.Mac.Value)}", "mac_src");
                break;
            case FlowActionSetMacDst a:
                AppendSet(s, a.Mac.Value, a.Mac.Mask & AllMacBits, AllMacBits, $"set_mac_dst mac_addr {Mac(a.Mac.Value)}", "mac_dst");
                break;
            case FlowActionSetIpv4Src a:
                AppendSet(s, a.Addr.Value, a.Addr.Mask, uint.MaxValue, $"set_ipv4_src ipv4_addr {Ipv4(a.Addr.Value)}", "ipv4_src");
                break;
            case FlowActionSetIpv4Dst a:
                AppendSet(s, a.Addr.Value, a.Addr.Mask, uint.MaxValue, $"set_ipv4_dst ipv4_addr {Ipv4(a.Addr.Value)}", "ipv4_dst");
                break;
            case FlowActionSetIpv6Src a:
                AppendSet(s, a.Addr.Value, a.Addr.Mask, UInt128.MaxValue, $"set_ipv6_src ipv6_addr {Ipv6(a.Addr.Value)}", "ipv6_src");
                break;
            case FlowActionSetIpv6Dst a:
                AppendSet(s, a.Addr.Value, a.Addr.Mask, UInt128.MaxValue, $"set_ipv6_dst ipv6_addr {Ipv6(a.Addr.Value)}", "ipv6_dst");
                break;
            case FlowActionSetTpSrc a:
                AppendSet(s, a.Port.Value, a.Port.Mask, ushort.MaxValue, $"set_tp_src port {a.Port.Value}", $"{l4}_port_src");
                break;
            case FlowActionSetTpDst a:
                AppendSet(s, a.Port.Value, a.Port.Mask, ushort.MaxValue, $"set_tp_dst port {a.Port.Value}", $"{l4}_port_dst");
                break;
            case FlowActionSetTtl a:
                s.Append($"set_ttl ttl_value {a.Ttl} / ");
                break;
            case FlowActionSetTos a:
                string ip = isIpv6 ? "ipv6" : "ipv4";
                AppendSet(s, (uint)a.Tos.Value >> 2, (uint)a.Tos.Mask >> 2, 0x3f, $"set_{ip}_dscp dscp_value {a.Tos.Value >> 2}", $"{ip}_dscp");
                AppendSet(s, a.Tos.Value & 3u, a.Tos.Mask & 3u, null, null, $"{ip}_ecn");
                break;
            case FlowActionOfPushVlan a:
                s.Append($"of_push_vlan ethertype 0x{a.Tpid:x4} / ");
                break;
            case FlowActionOfSetVlanTci a:
                AppendSet(s, a.Tci.Value & 0xfffu, a.Tci.Mask & 0xfffu, 0xfff, $"of_set_vlan_vid vlan_vid {a.Tci.Value & 0xfff}", "vlan_id");
                AppendSet(s, (uint)a.Tci.Value >> 13, (uint)a.Tci.Mask >> 13, 7, $"of_set_vlan_pcp vlan_pcp {a.Tci.Value >> 13}", "vlan_pcp");
                break;
            case FlowActionOfPushMpls a:
                s.Append($"of_push_mpls ethertype 0x{a.EthType:x4} / ");
                break;
            case FlowActionOfPopMpls a:
                s.Append($"of_pop_mpls ethertype 0x{a.EthType:x4} / ");
                break;
            case FlowActionOfSetMpls or FlowActionTunnelDecap or FlowActionTunnelEncap:
                break;
            case FlowActionPort a:
                s.Append($"port_id id {a.Port} / ");
                break;
            default:
                s.Append($"{action.Name} / ");
                break;
        }
    }

    /// <summary>The plain action if it writes the whole field, else a modify_field for each run of mask bits.</summary>
    private static void AppendSet(StringBuilder s, UInt128 value, UInt128 mask, UInt128? whole, string? plain, string field)
    {
        if (mask == whole)
        {
            s.Append($"{plain} / ");
            return;
        }
        while (mask != 0)
        {
            int offset = (int)UInt128.TrailingZeroCount(mask);
            int width = (int)UInt128.TrailingZeroCount(~(mask >> offset));
            UInt128 run = width == 128 ? UInt128.MaxValue : (UInt128.One << width) - 1;
            s.Append($"modify_field op set dst_type {field} dst_offset {offset} src_type value src_value 0x{(value >> offset) & run:x} width {width} / ");
            mask &= ~(run << offset);
        }
    }

    internal static string Mac(ulong v) => string.Join(':', Enumerable.Range(0, 6).Select(i => ((byte)(v >> (40 - (8 * i)))).ToString("x2")));

    internal static string Ipv4(uint v) => $"{v >> 24}.{(v >> 16) & 255}.{(v >> 8) & 255}.{v & 255}";

    internal static string Ipv6(UInt128 v)
    {
        byte[] b = new byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(b, v);
        return new IPAddress(b).ToString();
    }
}
