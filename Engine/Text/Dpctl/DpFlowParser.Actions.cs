using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Text;

/// <summary>Actions. What a merged rule can never hold is read as far as its name, so that the merge can refuse it by name.</summary>
public sealed partial class DpFlowParser
{
    private void ParseActions(TextPiece text, List<DpAction> into, DpFlow flow)
    {
        if (text.IsEmpty) text.Fail("expected an action, or `drop'");
        if (++_depth > MaxDepth) text.Fail("Action nested too deeply");
        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece name, out TextPiece value)) Action(name, value, reader.Delimiter, into, flow);
        _depth--;
    }

    private void Action(TextPiece name, TextPiece value, char delimiter, List<DpAction> into, DpFlow flow)
    {
        DpAction a = default;
        switch (name.ToString())
        {
            case "drop":
                return;
            case "dp-extra-info":
                // Statistics again: -m prints these behind the actions.
                return;
            case "recirc":
                a.Op = DpOp.Recirc;
                a.RecircId = (uint)Number(value, uint.MaxValue).Value;
                break;
            case "ct":
                a.Op = DpOp.Ct;
                Ct(value, ref a, flow);
                break;
            case "ct_clear": a.Op = DpOp.CtClear; break;
            case "pop_vlan": a.Op = DpOp.PopVlan; break;
            case "push_vlan":
                a.Op = DpOp.PushVlan;
                (a.EthType, a.VlanTci) = Tag(value);
                break;
            case "set":
                Set(value, into, flow);
                return;
            case "clone":
                int at = into.Count;
                a.Op = DpOp.Clone;
                into.Add(a);
                ParseActions(value, into, flow);
                a.NestedCount = into.Count - at - 1;
                into[at] = a;
                return;
            case "meter": a.Op = DpOp.Meter; break;
            case "sample": a.Op = DpOp.Sample; break;
            case "userspace" or "lb_output" or "dec_ttl" or "push_nsh" or "pop_nsh" or "push_eth" or "pop_eth" or "add_mpls" or "psample":
                a.Op = DpOp.Userspace;
                flow.ForeignAction ??= name.ToString();
                break;
            case "trunc": a.Op = DpOp.Truncate; break;
            case "check_pkt_len": a.Op = DpOp.CheckPktLen; break;
            case "tnl_pop": a.Op = DpOp.TnlPop; break;
            case "tnl_push": a.Op = DpOp.TnlPush; break;
            case "hash":
                // The value that was computed is not in a dump.
                (a.Op, a.Hash.Algorithm) = (DpOp.Hash, uint.MaxValue);
                break;
            case "push_mpls": a.Op = DpOp.PushMpls; break;
            case "pop_mpls": a.Op = DpOp.PopMpls; break;
            case var unknown when delimiter == '(' && IsNumbered(unknown, "action"):
                a.Op = DpOp.Userspace;
                flow.ForeignAction ??= unknown;
                break;
            default:
                if (delimiter != '\0') name.Fail($"`{name}{delimiter}': unknown datapath action");
                a.Op = DpOp.Output;
                a.Port = Ports.NumberOf(name.ToString(), out bool isNamed);
                if (isNamed) flow.NamedOutputs.Add(into.Count);
                break;
        }

        into.Add(a);
    }

    private static (ushort EthType, ushort Tci) Tag(TextPiece text)
    {
        ushort tpid = Keys.EthType.Vlan, tci = KeyMasks.VlanPresent;
        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece name, out TextPiece value))
        {
            switch (name.ToString())
            {
                case "vid": tci |= (ushort)Number(value, 0xfff).Value; break;
                case "pcp": tci |= (ushort)((uint)Number(value, 7).Value << 13); break;
                case "tpid": tpid = (ushort)Number(value, ushort.MaxValue).Value; break;
                case "cfi": break;
                default: name.Fail($"`{name}': expected vid, pcp or tpid"); break;
            }
        }

        return (tpid, tci);
    }

    private void Ct(TextPiece text, ref DpAction a, DpFlow flow)
    {
        ref DpCt ct = ref a.Ct;
        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece name, out TextPiece value))
        {
            switch (name.ToString())
            {
                case "commit": ct.Flags |= DpCtFlags.Commit; break;
                case "force_commit": ct.Flags |= DpCtFlags.Commit | DpCtFlags.Force; break;
                case "zone": ct.Zone = (ushort)Number(value, ushort.MaxValue).Value; break;
                case "nat": ct.Flags |= DpCtFlags.Nat; break;
                case "mark":
                    (UInt128 v, UInt128 mask) = Number(value, uint.MaxValue);
                    (ct.Mark, ct.MarkMask) = ((uint)v, (uint)mask);
                    break;
                case "label":
                    (v, mask) = Number(value, UInt128.MaxValue);
                    (ct.Label, ct.LabelMask) = (Ipv6Address.FromUInt128(v), Ipv6Address.FromUInt128(mask));
                    break;
                case "timeout":
                    if (_isGiven) flow.ForeignAction ??= "timeout";
                    break;
                case "helper" when value.Is("ftp"): ct.Flags |= DpCtFlags.AlgFtp; break;
                case "helper" when value.Is("tftp"): ct.Flags |= DpCtFlags.AlgTftp; break;
                case "helper":
                    a.Op = DpOp.Userspace;
                    flow.ForeignAction ??= $"ct(helper={value})";
                    break;
                default: name.Fail($"`{name}': unknown argument of ct"); break;
            }
        }
    }

    /// <summary>A <c>set</c> is read like a key: its values and masks say what is written.</summary>
    private void Set(TextPiece text, List<DpAction> into, DpFlow flow)
    {
        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece name, out TextPiece value))
        {
            var written = new DpFlow { Line = flow.Line };
            DpAction a = default;
            switch (name.ToString())
            {
                case "tunnel": a.Op = DpOp.SetTunnel; break;
                case "nd": a.Op = DpOp.SetNd; break;
                case "mpls" or "nsh":
                    a.Op = DpOp.Userspace;
                    flow.ForeignAction ??= $"set({name})";
                    break;
                default:
                    Attribute(written, name, value, reader.Delimiter);
                    if (!TryFill(ref a, name, written, flow)) name.Fail($"`{name}': cannot be set");
                    break;
            }

            into.Add(a);
        }
    }

    private static bool TryFill(ref DpAction a, TextPiece name, DpFlow written, DpFlow flow)
    {
        ref FlowKey v = ref written.Value;
        ref FlowKey m = ref written.Mask;
        switch (name.ToString())
        {
            case "eth":
                a.Op = DpOp.SetEth;
                (a.Eth.Src, a.Eth.SrcMask, a.Eth.Dst, a.Eth.DstMask) = (v.DlSrc, m.DlSrc, v.DlDst, m.DlDst);
                return true;
            case "vlan":
                a.Op = DpOp.SetVlan;
                (a.Vlan.Tci, a.Vlan.TciMask) = (v.Vlan0Tci, m.Vlan0Tci);
                return true;
            case "ipv4":
                a.Op = DpOp.SetIpv4;
                (a.Ipv4.Src, a.Ipv4.SrcMask, a.Ipv4.Dst, a.Ipv4.DstMask) = (v.NwSrc, m.NwSrc, v.NwDst, m.NwDst);
                (a.Ipv4.Tos, a.Ipv4.TosMask, a.Ipv4.Ttl, a.Ipv4.TtlMask) = (v.NwTos, m.NwTos, v.NwTtl, m.NwTtl);
                return true;
            case "ipv6" when (m.Ipv6Src.IsZero && m.Ipv6Dst.IsZero):
                a.Op = DpOp.SetIpv6Misc;
                (a.Ipv6Misc.Label, a.Ipv6Misc.LabelMask) = (v.Ipv6Label, m.Ipv6Label);
                (a.Ipv6Misc.TrafficClass, a.Ipv6Misc.TrafficClassMask, a.Ipv6Misc.HopLimit, a.Ipv6Misc.HopLimitMask) = (v.NwTos, m.NwTos, v.NwTtl, m.NwTtl);
                return true;
            case "ipv6":
                a.Op = DpOp.SetIpv6Addr;
                (a.Ipv6.Src, a.Ipv6.SrcMask, a.Ipv6.Dst, a.Ipv6.DstMask) = (v.Ipv6Src, m.Ipv6Src, v.Ipv6Dst, m.Ipv6Dst);
                return true;
            case "tcp" or "udp" or "sctp":
                a.Op = DpOp.SetL4;
                (a.L4.Src, a.L4.SrcMask, a.L4.Dst, a.L4.DstMask) = (v.TpSrc, m.TpSrc, v.TpDst, m.TpDst);
                a.L4.Proto = name.ToString() switch { "tcp" => IpProto.Tcp, "udp" => IpProto.Udp, _ => IpProto.Sctp };
                return true;
            case "skb_priority":
                (a.Op, a.Port) = (DpOp.SetPriority, written.SkbPriority);
                if (written.SkbPriority <= ushort.MaxValue) return true;
                a.Op = DpOp.Userspace;
                flow.ForeignAction ??= "set(skb_priority)";
                return true;
            case "skb_mark":
                a.Op = DpOp.SetPktMark;
                (a.PktMark.Mark, a.PktMark.MarkMask) = (v.PktMark.Host, m.PktMark.Host);
                return true;
            default:
                return false;
        }
    }
}
