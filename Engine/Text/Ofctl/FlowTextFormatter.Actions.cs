using System.Globalization;
using System.Numerics;
using System.Text;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>Actions (OVS <c>ofpacts_format</c>).</summary>
public sealed partial class FlowTextFormatter
{
    private StringBuilder AppendActions(StringBuilder s, EquatableList<OfAction> actions)
    {
        if (actions.Count == 0) return s.Append("drop");
        for (int i = 0; i < actions.Count; i++)
        {
            if (i > 0) s.Append(',');
            AppendAction(s, actions[i]);
        }

        return s;
    }

    private void AppendAction(StringBuilder s, OfAction action)
    {
        switch (action)
        {
            case OfOutput { MaxLengthBytes: 0 } a:
                s.Append($"output:{_ports.Format(a.Port)}");
                break;
            case OfOutput a:
                s.Append($"output(port={_ports.Format(a.Port)},max_len={a.MaxLengthBytes})");
                break;
            case OfOutputReg a:
                s.Append($"output:{a.Source}");
                break;
            case OfOutputSpecial { Port: OfReservedPort.Controller } a:
                s.Append($"CONTROLLER:{a.MaxLengthBytes}");
                break;
            case OfController a:
                AppendController(s, a);
                break;
            case OfOutputSpecial { MaxLengthBytes: 0 } a:
                s.Append(_ports.Format((uint)a.Port));
                break;
            case OfOutputSpecial a:
                s.Append($"output(port={_ports.Format((uint)a.Port)},max_len={a.MaxLengthBytes})");
                break;
            case OfResubmit { InPort: { } port, Table: null, WithCtTuple: false }:
                s.Append($"resubmit:{_ports.Format(port)}");
                break;
            case OfResubmit a:
                s.Append("resubmit(").Append(a.InPort is { } p ? _ports.Format(p) : "").Append(',').Append(a.Table);
                s.Append(a.WithCtTuple ? ",ct)" : ")");
                break;
            case OfSetField a:
                AppendSetField(s, a);
                break;
            case OfMove a:
                s.Append($"move:{a.Source}->{a.Destination}");
                break;
            case OfCt a:
                AppendCt(s, a);
                break;
            case OfClone a:
                AppendActions(s.Append("clone("), a.Actions).Append(')');
                break;
            case OfWriteActions a:
                AppendActions(s.Append("write_actions("), a.Actions).Append(')');
                break;
            default:
                s.Append(FormatNicira(action) ?? FormatSimple(action));
                break;
        }
    }

    private static void AppendController(StringBuilder s, OfController a)
    {
        s.Append("controller(");
        if (a.Reason != "action") s.Append($"reason={a.Reason},");
        if (a.MaxLengthBytes != ushort.MaxValue) s.Append($"max_len={a.MaxLengthBytes},");
        if (a.Id != 0) s.Append($"id={a.Id},");
        if (a.UserData.Length > 0) s.Append($"userdata={a.UserData},");
        if (a.Pause) s.Append("pause,");
        if (a.MeterId is { } meter) s.Append($"meter_id={meter},");
        Chomp(s);
        s.Append(')');
    }

    private static string FormatSimple(OfAction action) => action switch
    {
        OfDrop => "drop",
        OfGroup a => $"group:{a.GroupId}",
        OfMeter a => $"meter:{a.MeterId}",
        OfGotoTable a => $"goto_table:{a.Table}",
        OfClearActions => "clear_actions",
        OfWriteMetadata a => $"write_metadata:{NumberText.Hex(a.Value)}{(a.Mask == ulong.MaxValue ? "" : "/" + NumberText.Hex(a.Mask))}",
        OfStackPush a => $"push:{a.Source}",
        OfStackPop a => $"pop:{a.Destination}",
        OfPopVlan => "pop_vlan",
        OfPushVlan a => $"push_vlan:0x{a.Tpid:x}",
        OfPushMpls a => $"push_mpls:0x{a.EthType:x4}",
        OfPopMpls a => $"pop_mpls:0x{a.EthType:x4}",
        OfSetMplsTtl a => $"set_mpls_ttl({a.Ttl})",
        OfDecMplsTtl => "dec_mpls_ttl",
        OfDecTtl { ControllerIds: { } ids } => $"dec_ttl({string.Join(',', ids)})",
        OfDecTtl => "dec_ttl",
        OfSetTunnel a => $"set_tunnel{(a.Wide ? "64" : "")}:{NumberText.Hex(a.TunnelId)}",
        OfCtClear => "ct_clear",
        OfConjunction a => $"conjunction({a.Id},{a.Clause + 1}/{a.ClauseCount})",
        OfUnroll a => $"unroll_xlate(table={a.Table}, cookie={a.Cookie})",
        OfNote a => $"note:{a.Hex}",
        OfCheckPktLarger a => $"check_pkt_larger({a.LengthBytes})->{a.Destination}",
        _ => throw new ArgumentException($"no text form for {action.GetType().Name}", nameof(action)),
    };

    private void AppendSetField(StringBuilder s, OfSetField a)
    {
        bool whole = a.Mask == a.Field.OwnedBits;
        string? word = a.Spelling == OfSetSpelling.Mod && whole ? ModWord(a) : null;
        if (word is not null)
        {
            bool parentheses = a.Field.Id is FieldId.MplsLabel or FieldId.MplsTc;
            string written = a.Field.Format is FieldFormat.Ethernet or FieldFormat.Ipv4
                ? AddressText.Format(a.Value, a.Field.Format)
                : a.Value.ToString(CultureInfo.InvariantCulture);
            s.Append(parentheses ? $"{word}({written})" : $"{word}:{written}");
            return;
        }

        if (a.Spelling == OfSetSpelling.Load)
        {
            AppendLoad(s, a);
            return;
        }

        (UInt128 v, UInt128 m) = (a.Value, whole ? a.Field.MaxValue : a.Mask);
        bool isMasked = !whole || a.IsMasked;
        if (a.Field.Id == FieldId.VlanVid) (v, m) = (v | 0x1000, isMasked ? m | 0x1000 : m); // OFPVID_PRESENT
        bool isDecimal = isMasked && a.Field.Format is FieldFormat.Decimal or FieldFormat.Port;
        string value = isDecimal || (isMasked && whole) ? $"{(isDecimal ? v.ToString(CultureInfo.InvariantCulture) : NumberText.Hex(v))}/{NumberText.Hex(m)}" : FieldText.Format(a.Field, v, m, _ports);
        s.Append($"set_field:{value}->{a.Field.Name}");
    }

    /// <summary>One <c>load</c> per run of bits.</summary>
    private static void AppendLoad(StringBuilder s, OfSetField a)
    {
        UInt128 rest = a.Mask;
        for (bool first = true; rest != 0; first = false)
        {
            int start = (int)UInt128.TrailingZeroCount(rest);
            UInt128 above = ~(rest >> start);
            int count = above == 0 ? 128 : (int)UInt128.TrailingZeroCount(above);
            UInt128 ones = count == 128 ? UInt128.MaxValue : (UInt128.One << count) - 1;
            if (!first) s.Append(',');
            s.Append($"load:{NumberText.Hex((a.Value >> start) & ones)}->{new Subfield(a.Field, start, count)}");
            rest &= ~(ones << start);
        }
    }

    private static string? ModWord(OfSetField a) => a.Field.Id switch
    {
        FieldId.EthSrc => "mod_dl_src",
        FieldId.EthDst => "mod_dl_dst",
        FieldId.Ipv4Src => "mod_nw_src",
        FieldId.Ipv4Dst => "mod_nw_dst",
        FieldId.NwTos => "mod_nw_tos",
        FieldId.IpEcn => "mod_nw_ecn",
        FieldId.IpTtl => "mod_nw_ttl",
        FieldId.TcpSrc or FieldId.UdpSrc or FieldId.SctpSrc => "mod_tp_src",
        FieldId.TcpDst or FieldId.UdpDst or FieldId.SctpDst => "mod_tp_dst",
        FieldId.DlVlan => "mod_vlan_vid",
        FieldId.VlanVid => "set_vlan_vid",
        FieldId.DlVlanPcp => "mod_vlan_pcp",
        FieldId.VlanPcp => "set_vlan_pcp",
        FieldId.MplsLabel => "set_mpls_label",
        FieldId.MplsTc => "set_mpls_tc",
        _ => null,
    };

    private void AppendCt(StringBuilder s, OfCt a)
    {
        s.Append("ct(");
        if (a.Commit) s.Append("commit,");
        if (a.Force) s.Append("force,");
        if (a.Table is { } table) s.Append($"table={table},");
        if (a.ZoneSource is { } source) s.Append($"zone={source},");
        else if (a.Zone != 0) s.Append($"zone={a.Zone},");
        if (a.Nat is { } nat && !a.IsNatLast) AppendNat(s, nat);
        if (a.Exec.Count > 0)
        {
            AppendActions(s.Append("exec("), a.Exec);
            if (a is { IsNatLast: true, Nat: { } last })
            {
                AppendNat(s.Append(','), last);
                Chomp(s);
            }

            s.Append("),");
        }

        if (a.Alg is not null) s.Append($"alg={a.Alg},");
        Chomp(s);
        s.Append(')');
    }

    private static void AppendNat(StringBuilder s, OfNat nat)
    {
        s.Append("nat");
        if (nat.Kind != NatKind.None)
        {
            s.Append(nat.Kind == NatKind.Src ? "(src" : "(dst");
            if (nat.AddrMin != 0) s.Append('=').Append(NatText.Range(nat.Ipv6, nat.AddrMin, nat.AddrMax, nat.PortMin, nat.PortMax));
            s.Append(nat.Persistent ? ",persistent" : "").Append(nat.HashMode ? ",hash" : "").Append(nat.RandomMode ? ",random" : "");
            s.Append(')');
        }

        s.Append(',');
    }
}
