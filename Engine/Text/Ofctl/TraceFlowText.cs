using System.Runtime.Intrinsics;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;

namespace Mergeflow.Engine.Text;

/// <summary>Flows as <c>ofproto/trace</c> prints them: all fields that a packet has (OVS <c>flow_format</c>), or those of a megaflow.</summary>
public static class TraceFlowText
{
    private const ushort BottomOfStack = 0x100;

    /// <summary>A packet with what the pipeline knows of it; fields that are no part of it only where they are not zero.</summary>
    /// <param name="flow">The packet.</param>
    /// <param name="formatter">Names ports.</param>
    /// <param name="packetType">Namespace in the upper half, number in the lower; 0 = it has an Ethernet header.</param>
    public static string Flow(in PipelineFlow flow, FlowTextFormatter formatter, uint packetType = 0)
    {
        Match match = new() { Value = flow, Mask = Shown(flow) };
        if (packetType != 0) HideEthernet(ref match);
        string text = formatter.Format(ref match);
        if (packetType != 0) text = InsertBehindPass(text, $"packet_type=({packetType >> 16},0x{packetType & 0xffff:x}),");

        // Kinds of tunnels that are not here.
        return match.Mask.Key.TunTtl == 0 ? text : text.Replace(",tun_flags=", ",tun_erspan_ver=0,gtpu_flags=0,gtpu_msgtype=0,tun_flags=", StringComparison.Ordinal);
    }

    /// <summary>Puts what is in no key behind what identifies a pass.</summary>
    private static string InsertBehindPass(string text, string part)
    {
        int at = 0;
        foreach (string before in (ReadOnlySpan<string>)["pkt_mark=", "recirc_id=", "dp_hash="])
        {
            if (text.AsSpan(at).StartsWith(before)) at = text.IndexOf(',', at) + 1;
        }

        return text.Insert(at, part);
    }

    /// <summary>A packet without an Ethernet header has none of its fields; its type says which others.</summary>
    private static void HideEthernet(ref Match match)
    {
        ref FlowKey m = ref match.Mask.Key;
        (m.DlDst, m.DlSrc, m.DlType, m.Vlan0Tci, m.Vlan1Tci, m.Vlan0Tpid, m.Vlan1Tpid) = (default, default, default, default, default, default, default);
    }

    /// <summary>The bits of a packet that decide, as a match of OpenFlow.</summary>
    /// <param name="flow">The packet.</param>
    /// <param name="mask">The bits.</param>
    /// <param name="final">What has become of it: type and code of ICMP have eight bits where that is ICMP (OVS <c>xlate_wc_finish</c>).</param>
    /// <param name="formatter">Names the ports.</param>
    public static string Megaflow(in PipelineFlow flow, in FlowKey mask, in PipelineFlow final, FlowTextFormatter formatter)
    {
        PipelineFlow bits = new() { Key = mask };
        Match match = new() { Value = flow, Mask = bits };
        match.Mask.Key.RecircId = new Be32(uint.MaxValue);
        LeaveOutAbsent(flow.Key, final.Key, ref match);
        FlowKey.And(ref match.Value.Key, ref match.Mask.Key, ref match.Value.Key);
        return formatter.Format(ref match);
    }

    /// <summary>That a packet has no tag, label or tunnel is not told (OVS <c>xlate_wc_finish</c>).</summary>
    private static void LeaveOutAbsent(in FlowKey key, in FlowKey final, ref Match match)
    {
        ref FlowKey m = ref match.Mask.Key;
        if (key.Vlan0Tpid.Raw == 0) (m.Vlan0Tci, m.Vlan0Tpid) = (default, default);
        if (key.Vlan1Tpid.Raw == 0) (m.Vlan1Tci, m.Vlan1Tpid) = (default, default);
        if (m.Vlan0Tci.Raw != 0) m.Vlan0Tci = Be16.FromHost((ushort)(m.Vlan0Tci.Host | KeyMasks.VlanPresent));
        if (key.DlType.Host is not (EthType.Mpls or EthType.MplsMcast)) (m.MplsLse0, m.MplsLse1, m.MplsLse2) = (default, default, default);
        bool isIcmp = (final.DlType.Host, final.NwProto) is (EthType.Ip, IpProto.Icmp) or (EthType.Ipv6, IpProto.Icmpv6);
        if (isIcmp) (m.TpSrc, m.TpDst) = (Be16.FromHost((ushort)(m.TpSrc.Host & byte.MaxValue)), Be16.FromHost((ushort)(m.TpDst.Host & byte.MaxValue)));
        if ((final.NwFrag & NwFrag.Later) != 0) (m.TpSrc, m.TpDst) = (default, default);
        if (key.TunDst.Raw == 0 && key.TunIpv6Dst.IsZero)
        {
            PipelineFlow.Lane(ref match.Mask, Lanes.Tunnel) = default;
            PipelineFlow.Lane(ref match.Mask, Lanes.TunnelIpv6) = default;
        }
    }

    /// <summary>OVS <c>flow_wildcards_init_for_packet</c>, without what <c>flow_format</c> takes out again.</summary>
    private static PipelineFlow Shown(in PipelineFlow flow)
    {
        PipelineFlow mask = default;
        FlowKey k = flow.Key;
        ref FlowKey m = ref mask.Key;
        for (int i = Lanes.Regs; i < PipelineFlow.LaneCount; i++)
        {
            // Registers are shown as a whole.
            Vector256<uint> lane = PipelineFlow.ReadLane(in flow, i).AsUInt32();
            PipelineFlow.Lane(ref mask, i) = (~Vector256.Equals(lane, Vector256<uint>.Zero)).AsByte();
        }

        mask.Metadata = flow.Metadata.Raw == 0 ? default : new Be64(ulong.MaxValue);
        (mask.ConjId, mask.ActsetOutput) = (default, default);
        if (k.PktMark.Raw != 0) m.PktMark = new Be32(uint.MaxValue);
        if (k.RecircId.Raw != 0) m.RecircId = new Be32(uint.MaxValue);
        if (k.DpHash.Raw != 0) m.DpHash = new Be32(uint.MaxValue);
        if (k.SkbPriority.Raw != 0) m.SkbPriority = new Be16(ushort.MaxValue);
        if (k.CtState != CtState.None) m.CtState = (CtState)byte.MaxValue;
        if (k.CtZone.Raw != 0) m.CtZone = new Be16(ushort.MaxValue);
        if (k.CtMark.Raw != 0) m.CtMark = new Be32(uint.MaxValue);
        if (!k.CtLabel.IsZero) m.CtLabel = Ipv6Address.FromUInt128(UInt128.MaxValue);
        if (k.InPort.Raw != 0) m.InPort = new Be32(uint.MaxValue);
        ShowTunnel(k, ref m);
        m.DlSrc = m.DlDst = EthAddress.FromUInt64(0xffff_ffff_ffff);
        m.DlType = new Be16(ushort.MaxValue);
        m.Vlan0Tci = new Be16(ushort.MaxValue);
        if (k.Vlan0Tci.Raw != 0) m.Vlan1Tci = new Be16(ushort.MaxValue);
        ShowNetwork(k, ref m);
        if (m.CtNwProto != 0 && (k.CtNwProto == 0 || !IsCtValid(k.CtState)))
        {
            (m.CtNwProto, m.CtTpSrc, m.CtTpDst, m.CtNwSrc, m.CtNwDst) = (0, default, default, default, default);
            (m.CtIpv6Src, m.CtIpv6Dst) = (default, default);
        }

        return mask;
    }

    /// <summary>OVS <c>is_ct_valid</c>.</summary>
    private static bool IsCtValid(CtState state) => (state & CtState.Trk) != 0 && (state & CtState.Inv) == 0;

    private static void ShowTunnel(in FlowKey k, ref FlowKey m)
    {
        if (k.TunDst.Raw == 0 && k.TunIpv6Dst.IsZero)
        {
            if (k.TunId.Raw != 0) m.TunId = new Be64(ulong.MaxValue);
            return;
        }

        if ((k.TunFlags.Host & (ushort)TunnelFlags.Key) != 0) m.TunId = new Be64(ulong.MaxValue);
        m.TunSrc = m.TunDst = new Be32(uint.MaxValue);
        m.TunIpv6Src = m.TunIpv6Dst = Ipv6Address.FromUInt128(UInt128.MaxValue);
        m.TunFlags = Be16.FromHost(0xf);
        m.TunTos = m.TunTtl = byte.MaxValue;
        m.TunGbpId = new Be16(ushort.MaxValue);
        m.TunGbpFlags = byte.MaxValue;
        if (k.TunOptions != 0) m.TunMetadata0 = new Be64(ulong.MaxValue);
    }

    private static void ShowNetwork(in FlowKey k, ref FlowKey m)
    {
        Be32 all = new(uint.MaxValue);
        Ipv6Address wide = Ipv6Address.FromUInt128(UInt128.MaxValue);
        switch (k.DlType.Host)
        {
            case EthType.Ip:
                (m.NwSrc, m.NwDst, m.CtNwSrc, m.CtNwDst) = (all, all, all, all);
                break;
            case EthType.Ipv6:
                (m.Ipv6Src, m.Ipv6Dst, m.Ipv6Label) = (wide, wide, Be32.FromHost(0xfffff));

                // Also of a later fragment, which has none, it is asked whether it is a neighbour's message.
                if (k.NwProto == IpProto.Icmpv6) (m.TpDst, m.TpSrc) = (new Be16(ushort.MaxValue), new Be16(k.TpDst.Raw == 0 ? ushort.MaxValue : (ushort)0));
                bool isNd = k.NwProto == IpProto.Icmpv6 && k.TpDst.Raw == 0 && k.TpSrc.Host is 135 or 136;
                if (isNd) (m.ArpSha, m.ArpTha, m.NdTarget) = (EthAddress.FromUInt64(0xffff_ffff_ffff), EthAddress.FromUInt64(0xffff_ffff_ffff), wide);
                else (m.CtIpv6Src, m.CtIpv6Dst) = (wide, wide);
                break;
            case EthType.Arp or EthType.Rarp:
                (m.NwSrc, m.NwDst, m.NwProto) = (all, all, byte.MaxValue);
                (m.ArpSha, m.ArpTha) = (EthAddress.FromUInt64(0xffff_ffff_ffff), EthAddress.FromUInt64(0xffff_ffff_ffff));
                return;
            case EthType.Mpls or EthType.MplsMcast:
                m.MplsLse0 = all;
                if ((k.MplsLse0.Host & BottomOfStack) != 0) return;
                m.MplsLse1 = all;
                if ((k.MplsLse1.Host & BottomOfStack) == 0) m.MplsLse2 = all;
                return;
            default:
                return;
        }

        m.NwFrag = NwFrag.Any | NwFrag.Later;
        (m.NwTos, m.NwTtl, m.NwProto, m.CtNwProto) = (byte.MaxValue, byte.MaxValue, byte.MaxValue, byte.MaxValue);
        (m.CtTpSrc, m.CtTpDst) = (new Be16(ushort.MaxValue), new Be16(ushort.MaxValue));
        if ((k.NwFrag & NwFrag.Later) != 0 || k.NwProto is not (IpProto.Icmp or IpProto.Icmpv6 or IpProto.Tcp or IpProto.Udp or IpProto.Sctp or IpProto.Igmp)) return;
        (m.TpSrc, m.TpDst) = (new Be16(ushort.MaxValue), new Be16(ushort.MaxValue));
        if (k.NwProto == IpProto.Tcp) m.TcpFlags = Be16.FromHost(0xfff);
    }
}
