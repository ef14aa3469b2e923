using System.Buffers.Binary;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>Refuses rules whose actions do not fit their match, as OVS does when a rule is added (lib/ofp-actions.c <c>ofpacts_check</c>).</summary>
internal static class FlowModValidator
{
    private const string Inconsistent = "OFPBAC_MATCH_INCONSISTENT";

    /// <summary>Throws <see cref="FlowModException"/> if the modification cannot be applied.</summary>
    public static void Check(FlowMod mod, int index, bool hasOption)
    {
        if (mod.Table == 255) throw new FlowModException("OFPFMFC_BAD_TABLE_ID", "table 255 does not exist", index);
        if (mod.Command == FlowModCommand.Add && mod.Table is null && mod.CookieMask != 0) throw new FlowModException("OFPFMFC_UNKNOWN", "a cookie mask cannot be used with add", index);
        for (int i = 0; i < PipelineFlow.LaneCount; i++)
        {
            var value = PipelineFlow.Lane(ref mod.Match.Value, i);
            if ((value & PipelineFlow.Lane(ref mod.Match.Mask, i)) != value) throw new FlowModException("OFPBMC_BAD_WILDCARDS", "the match has value bits outside its mask", index);
        }

        if (mod.Match.Mask.Key.TunOptions != 0 && !hasOption) throw new FlowModException("NXFMFC_INVALID_TLV_FIELD", "match field tun_metadata0 is not supported where no Geneve option is mapped to it", index);
        UnsupportedActions.Refuse(mod.Actions, hasOption, index);
        var state = new MatchFacts(ref mod.Match);

        // OpenFlow 1.0 leaves it to packets whether an action fits (OVS inconsistent_match).
        if (mod.IsOf10) state = MatchFacts.Lenient(state);
        CheckList(mod.Actions, mod.Table ?? 0, state, index);

        // A modification is held to it as an addition is: it is made into a rule before it is known whether there is one (OVS modify_flows_init_loose).
        CheckOwn(mod, index);
    }

    /// <summary>Refuses actions that do not fit a packet which control gives.</summary>
    public static void CheckPacket(EquatableList<OfAction> actions, ref Match packet, bool isOf10)
    {
        var state = new MatchFacts(ref packet);
        CheckList(actions, 0, isOf10 ? MatchFacts.Lenient(state) : state, 0);
    }

    /// <summary>What Open vSwitch keeps for itself: table 254, and all but the defaults of the fields that its own recirculation uses.</summary>
    private static void CheckOwn(FlowMod mod, int index)
    {
        if (mod.Table == 254) throw new FlowModException("OFPBRC_EPERM", "table 254 is the switch's own", index);
        ref FlowKey mask = ref mod.Match.Mask.Key;
        ref FlowKey value = ref mod.Match.Value.Key;
        if (mask.DpHash.Raw != 0) throw new FlowModException("OFPBRC_EPERM", "dp_hash is the switch's own", index);
        if (value.RecircId.Raw != 0 || mask.RecircId.Raw is not (0 or uint.MaxValue)) throw new FlowModException("OFPBRC_EPERM", "recirc_id is the switch's own", index);
    }

    private static void CheckList(IReadOnlyList<OfAction> actions, byte table, MatchFacts state, int index)
    {
        bool hasConjunction = false, hasOthers = false;
        for (int i = 0; i < actions.Count; i++)
        {
            hasConjunction |= actions[i] is OfConjunction;
            hasOthers |= actions[i] is not (OfConjunction or OfNote);
        }

        if (hasConjunction && hasOthers)
        {
            throw new FlowModException("NXBAC_BAD_CONJUNCTION", "conjunction may only stand with note", index);
        }

        for (int i = 0; i < actions.Count; i++) CheckOne(actions[i], table, state, index, last: i == actions.Count - 1);
    }

    private static void CheckOne(OfAction action, byte table, MatchFacts state, int index, bool last)
    {
        switch (action)
        {
            case OfGotoTable g:
                if (g.Table <= table || g.Table == 255) throw new FlowModException("OFPBIC_BAD_TABLE_ID", $"goto_table:{g.Table} from table {table} must go forward", index);
                if (!last) throw new FlowModException("OFPBAC_UNSUPPORTED_ORDER", "goto_table must be the last instruction", index);
                break;
            case OfSetField s:
                CheckSet(s, state, index);
                break;
            case OfMove m:
                Require(state.Meets(m.Source.Field.Prereq), $"move from {m.Source.Field.Name} lacks its prerequisites", index);
                CheckWrite(m.Destination.Field, state, index);
                if (m.Source.BitCount != m.Destination.BitCount) throw new FlowModException("OFPBAC_BAD_ARGUMENT", "move between ranges of different width", index);
                break;
            case OfStackPush p:
                Require(state.Meets(p.Source.Field.Prereq), $"push of {p.Source.Field.Name} lacks its prerequisites", index);
                break;
            case OfStackPop p:
                // Unlike the other writes it may be to ct_mark and ct_label: they change until the next recirculation.
                CheckWrite(p.Destination.Field, state, index, ofConnection: true);
                break;
            case OfOutputReg o:
                Require(state.Meets(o.Source.Field.Prereq), $"output to {o.Source.Field.Name} lacks its prerequisites", index);
                break;
            case OfPushVlan:
                state.PushVlan(index);
                break;
            case OfPopVlan:
                Require(state.IsLenient || state.VlanCount > 0, "pop_vlan needs a match on a VLAN tag, or a push before it", index);
                state.VlanCount = Math.Max(0, state.VlanCount - 1);
                break;
            case OfDecTtl:
                Require(state.IsLenient || state.IsIp, "dec_ttl needs ip or ipv6", index);
                break;
            case OfPushMpls p:
                state.EthType = p.EthType;
                state.Proto = null;
                break;
            case OfPopMpls p:
                Require(state.IsLenient || state.IsMpls, "pop_mpls needs mpls", index);
                state.EthType = p.EthType;
                break;
            case OfEncap e:
                state.Encap(e.PacketType);
                break;
            case OfDecap:
                state.Decap();
                break;
            case OfDecMplsTtl or OfSetMplsTtl:
                Require(state.IsLenient || state.IsMpls, "an MPLS TTL needs mpls", index);
                break;
            case OfCt ct:
                CheckCt(ct, state, index);
                break;
            case OfClone c:
                CheckList(c.Actions, table, state.Copy(), index);
                break;
            case OfWriteActions w:
                // Nobody knows what the packet will be when the set executes.
                CheckList(w.Actions, table, MatchFacts.Lenient(state), index);
                if (w.Actions.Any(static a => a is OfNote or OfConjunction) || XlateCompiler.Compile(w.Actions).Any(static o => !XlateCompiler.FitsActionSet(o)))
                {
                    throw new FlowModException("OFPBAC_BAD_TYPE", "write_actions holds an action that is not allowed in an action set", index);
                }

                break;
            case OfFinTimeout:
                Require(state.IsLenient || state.Proto == IpProto.Tcp, "fin_timeout needs tcp", index);
                break;
            case OfMultipath m:
                CheckWrite(m.Destination.Field, state, index, ofConnection: true);
                break;
            case OfBundle b:
                CheckBundle(b, state, index);
                break;
            case OfEnqueue e:
                if (e.Port >= OfPorts.Max && e.Port is not ((uint)OfReservedPort.InPort or (uint)OfReservedPort.Local)) throw new FlowModException("OFPBAC_BAD_OUT_PORT", $"enqueue to port {e.Port}", index);
                break;
            case OfLearn l:
                CheckLearn(l, state, index);
                break;
            case OfResubmit { WithCtTuple: true }:
                Require(state.Meets(FieldPrereq.CtValid), "resubmit(,,ct) needs a match on valid ct_state", index);
                break;
        }
    }

    private static void CheckBundle(OfBundle bundle, MatchFacts state, int index)
    {
        if (bundle.Destination is { } to) CheckWrite(to.Field, state, index, ofConnection: true);
        foreach (uint port in bundle.Members)
        {
            if (port is (uint)OfReservedPort.Controller or (>= OfPorts.Max and < (uint)OfReservedPort.InPort)) throw new FlowModException("OFPBAC_BAD_OUT_PORT", $"bundle to port {port}", index);
        }
    }

    /// <summary>OVS <c>learn_check</c>: what the packet must have is there, and what the learned rule's match must say.</summary>
    private static void CheckLearn(OfLearn learn, MatchFacts state, int index)
    {
        Match learned = default;
        foreach (OfLearnSpec spec in learn.Specs)
        {
            if (spec.Source is { } from) Require(state.Meets(from.Field.Prereq), $"learn from {from.Field.Name} lacks its prerequisites", index);
            if (spec.Destination is not { } to) continue;
            var facts = new MatchFacts(ref learned);
            if (spec.Kind == OfLearnKind.Load)
            {
                CheckWrite(to.Field, facts, index, ofConnection: true);
                continue;
            }

            Require(facts.Meets(to.Field.Prereq), $"learn of {to.Field.Name} lacks its prerequisites", index);
            if (spec.Source is null) MatchBits.Add(ref learned, to, spec.Value);
        }
    }

    private static void CheckSet(OfSetField s, MatchFacts state, int index)
    {
        Field f = s.Field;
        if (f.Id is FieldId.CtMark or FieldId.CtLabel) throw new FlowModException("OFPBAC_BAD_SET_ARGUMENT", "cannot set CT fields outside of ct action", index);
        if (!f.Writable) throw new FlowModException("OFPBAC_BAD_SET_ARGUMENT", $"{f.Name} is not writable", index);
        bool vlan = f.Offset == KeyLayout.Vlan0Tci && f.SizeBytes == 2;
        if (vlan && s.Spelling == OfSetSpelling.Mod)
        {
            Require(state.IsLenient || state.VlanCount > 0 || s.PushVlanIfNeeded, $"{f.Name} needs a VLAN tag", index);
            state.VlanCount = Math.Max(1, state.VlanCount);
            return;
        }

        bool l4 = s.Spelling == OfSetSpelling.Mod && f.Offset is KeyLayout.TpSrc or KeyLayout.TpDst && f.SizeBytes == 2;
        bool ok = l4 ? state.IsIp && !state.IsLaterFragment && state.Proto is IpProto.Tcp or IpProto.Udp or IpProto.Sctp : state.Meets(f.Prereq);
        Require(ok || (state.IsLenient && s.Spelling == OfSetSpelling.Mod), $"set of {f.Name} lacks its prerequisites", index);
        if (f.Id == FieldId.VlanVid) Require(state.VlanCount > 0 || s.PushVlanIfNeeded, "set_field of vlan_vid needs a VLAN tag", index);
        if (f.Id == FieldId.VlanTci && (s.Mask & KeyMasks.VlanPresent) != 0) state.VlanCount = (s.Value & KeyMasks.VlanPresent) != 0 ? Math.Max(1, state.VlanCount) : 0;
    }

    private static void CheckWrite(Field f, MatchFacts state, int index, bool ofConnection = false)
    {
        if (!ofConnection && f.Id is FieldId.CtMark or FieldId.CtLabel) throw new FlowModException("OFPBAC_BAD_SET_ARGUMENT", "cannot set CT fields outside of ct action", index);
        if (!f.Writable) throw new FlowModException("OFPBAC_BAD_SET_ARGUMENT", $"{f.Name} is not writable", index);
        Require(state.Meets(f.Prereq), $"write to {f.Name} lacks its prerequisites", index);
    }

    private static void CheckCt(OfCt ct, MatchFacts state, int index)
    {
        Require(state.IsLenient || state.IsIp, "ct needs ip or ipv6", index);
        Require(!(ct.Commit && state.CtInvalid), "ct(commit) cannot be used on +inv", index);
        Require(ct.Alg != "ftp" || state.Proto == IpProto.Tcp, "alg=ftp needs tcp", index);
        Require(ct.Alg != "tftp" || state.Proto == IpProto.Udp, "alg=tftp needs udp", index);
        if (ct.ZoneSource is { } zone) Require(state.Meets(zone.Field.Prereq), $"zone from {zone.Field.Name} lacks its prerequisites", index);
        if (ct.Nat is { Kind: not NatKind.None } nat && nat.AddrMin != 0)
        {
            Require(nat.Ipv6 ? state.EthType == EthType.Ipv6 : state.EthType == EthType.Ip, "nat addresses do not fit the match's IP version", index);
        }

        if (ct.Exec.Count > 0 && !ct.Commit) throw new FlowModException("OFPBAC_BAD_ARGUMENT", "exec needs commit", index);
        foreach (OfAction a in ct.Exec)
        {
            Field? field = a switch { OfSetField s => s.Field, OfMove m => m.Destination.Field, _ => null };
            if (field?.Id is not (FieldId.CtMark or FieldId.CtLabel)) throw new FlowModException("OFPBAC_BAD_ARGUMENT", "exec may write ct_mark and ct_label only", index);
            if (a is OfMove move) Require(state.Meets(move.Source.Field.Prereq), $"move from {move.Source.Field.Name} lacks its prerequisites", index);
        }
    }

    private static void Require(bool condition, string message, int index)
    {
        if (!condition) throw new FlowModException(Inconsistent, message, index);
    }
}
