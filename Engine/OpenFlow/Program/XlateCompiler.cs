using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>Turns action trees into <see cref="XlateOp"/> programs, once per rule or bucket.</summary>
internal static class XlateCompiler
{
    /// <summary>Compiles a list; <c>drop</c> leaves nothing behind.</summary>
    public static XlateOp[] Compile(IReadOnlyList<OfAction> actions)
    {
        int count = 0;
        for (int i = 0; i < actions.Count; i++)
        {
            if (actions[i] is not OfDrop) count++;
        }

        if (count == 0) return [];
        var ops = new XlateOp[count];
        for (int i = 0, at = 0; i < actions.Count; i++)
        {
            if (actions[i] is not OfDrop) ops[at++] = CompileOne(actions[i]);
        }

        return ops;
    }

    /// <summary>
    /// Puts an action set in the order in which it executes (OpenFlow 1.5, 5.6; OVS <c>ofpacts_execute_action_set</c>): nothing at all
    /// without a final action; the last of each kind; field writes in the order given.
    /// </summary>
    public static void OrderActionSet(IReadOnlyList<XlateOp> set, List<XlateOp> list)
    {
        list.Clear();
        XlateOp? final = null;
        foreach (XlateOp op in set)
        {
            int rank = FinalRank(op.Kind);
            if (rank > 0 && (final is null || rank >= FinalRank(final.Kind))) final = op;
        }

        if (final is null) return;
        foreach (XlateOpKind kind in SlotOrder)
        {
            XlateOp? last = null;
            foreach (XlateOp op in set)
            {
                if (op.Kind == kind) last = op;
            }

            if (last is not null) list.Add(last);
        }

        foreach (XlateOp op in set)
        {
            if (op.Kind is XlateOpKind.SetField or XlateOpKind.SetVlan or XlateOpKind.Move or XlateOpKind.Queue) list.Add(op);
        }

        list.Add(final);
    }

    /// <summary>True if the action may stand in an action set.</summary>
    public static bool FitsActionSet(XlateOp op)
        => FinalRank(op.Kind) > 0 || SlotOrder.Contains(op.Kind) || op.Kind is XlateOpKind.SetField or XlateOpKind.SetVlan or XlateOpKind.Move || op.Action is OfSetQueue;

    private static ReadOnlySpan<XlateOpKind> SlotOrder =>
    [
        XlateOpKind.PopVlan, XlateOpKind.PopMpls, XlateOpKind.Decap, XlateOpKind.Encap, XlateOpKind.PushMpls, XlateOpKind.PushVlan, XlateOpKind.DecTtl, XlateOpKind.DecMplsTtl,
    ];

    private static int FinalRank(XlateOpKind kind) => kind switch
    {
        XlateOpKind.Ct => 1,
        XlateOpKind.CtClear => 2,
        XlateOpKind.Resubmit => 3,
        XlateOpKind.Output or XlateOpKind.Controller => 4,
        XlateOpKind.Group => 5,
        _ => 0,
    };

    private static XlateOp CompileOne(OfAction action) => action switch
    {
        OfOutput { MaxLengthBytes: > 0 } o => new() { Kind = XlateOpKind.OutputTruncated, Action = o, Arg = o.Port, Arg2 = (uint)o.MaxLengthBytes, MplsTransparent = true, NeedsTable = true },
        OfOutput o => new() { Kind = XlateOpKind.Output, Action = o, Arg = o.Port, MplsTransparent = true, NeedsTable = true },
        OfOutputSpecial { Port: OfReservedPort.Controller } o => new() { Kind = XlateOpKind.Controller, Action = o, Arg2 = (uint)o.MaxLengthBytes, MplsTransparent = true, NeedsTable = true },
        OfController o => new() { Kind = o.Pause ? XlateOpKind.Pause : XlateOpKind.Notify, Action = o, Arg2 = o.MaxLengthBytes, NeedsTable = true },

        // Open vSwitch looks these up as ordinary ports, and finds none.
        OfOutputSpecial { Port: OfReservedPort.InPort or OfReservedPort.Local, MaxLengthBytes: > 0 } o => new() { Kind = XlateOpKind.OutputTruncated, Action = o, Arg = (uint)o.Port, Arg2 = (uint)o.MaxLengthBytes, MplsTransparent = true, NeedsTable = true },
        OfOutputSpecial o => new() { Kind = XlateOpKind.Output, Action = o, Arg = (uint)o.Port, MplsTransparent = true, NeedsTable = true },
        OfOutputReg o => new() { Kind = XlateOpKind.OutputRegister, Action = o, Source = new(o.Source), SourcePatch = All(o.Source), MplsTransparent = true, NeedsTable = true },
        OfGroup o => new() { Kind = XlateOpKind.Group, Action = o, Arg = o.GroupId, MplsTransparent = true, NeedsTable = true },
        OfResubmit o => new() { Kind = XlateOpKind.Resubmit, Action = o, Arg = o.Table ?? 255, Arg2 = o.InPort is { } p && p != (uint)OfReservedPort.InPort ? p + 1 : 0, NeedsTable = o.Table is null },
        OfGotoTable o => new() { Kind = XlateOpKind.GotoTable, Action = o, Arg = o.Table },
        OfSetField o => CompileSet(o, o.Field, o.Value, o.Mask, o.PushVlanIfNeeded, o.Spelling == OfSetSpelling.Mod),
        OfSetMplsTtl o => CompileSet(o, Fields.Of(FieldId.MplsTtl), o.Ttl, 0xff, false, mod: true),
        OfSetTunnel o => CompileSet(o, Fields.Of(FieldId.TunId), o.TunnelId, ulong.MaxValue, false, false),
        OfWriteMetadata o => CompileSet(o, Fields.Of(FieldId.Metadata), o.Value, o.Mask, false, mod: true),
        OfMove o => CompileMove(o),
        OfStackPush o => new() { Kind = XlateOpKind.StackPush, Action = o, Source = new(o.Source), SourcePatch = All(o.Source) },
        OfStackPop o => CompilePop(o),
        OfPushVlan o => new() { Kind = XlateOpKind.PushVlan, Action = o, Arg = o.Tpid },
        OfPopVlan o => new() { Kind = XlateOpKind.PopVlan, Action = o },
        OfPushMpls o => new() { Kind = XlateOpKind.PushMpls, Action = o, Arg = o.EthType },
        OfPopMpls o => new() { Kind = XlateOpKind.PopMpls, Action = o, Arg = o.EthType },
        OfEncap o => new() { Kind = XlateOpKind.Encap, Action = o, Arg = o.PacketType },
        OfDecap o => new() { Kind = XlateOpKind.Decap, Action = o, Arg = o.NextType },
        OfDecTtl o => new() { Kind = XlateOpKind.DecTtl, Action = o, NeedsTable = true },
        OfDecMplsTtl o => new() { Kind = XlateOpKind.DecMplsTtl, Action = o, NeedsTable = true },
        OfCt o => new()
        {
            Kind = XlateOpKind.Ct,
            Action = o,
            Nested = Compile(o.Exec),
            Source = o.ZoneSource is { } z ? new(z) : default,
            SourcePatch = o.ZoneSource is { } zone ? All(zone) : default,
        },
        OfCtClear o => new() { Kind = XlateOpKind.CtClear, Action = o },
        OfClone o => CompileClone(o),
        OfMeter o => new() { Kind = XlateOpKind.Meter, Action = o, Arg = o.MeterId },
        OfWriteActions o => new() { Kind = XlateOpKind.WriteActions, Action = o, Nested = Compile(o.Actions) },
        OfClearActions o => new() { Kind = XlateOpKind.ClearActions, Action = o },
        OfCheckPktLarger o => CompileCheck(o),
        OfExit o => new() { Kind = XlateOpKind.Exit, Action = o },
        OfDebugRecirc o => new() { Kind = XlateOpKind.DebugRecirc, Action = o },
        OfDebugSlow o => new() { Kind = XlateOpKind.DebugSlow, Action = o },
        OfSetQueue o => new() { Kind = XlateOpKind.Queue, Action = o, Arg = o.QueueId, MplsTransparent = true },
        OfPopQueue o => new() { Kind = XlateOpKind.PopQueue, Action = o },
        OfEnqueue o => new() { Kind = XlateOpKind.Enqueue, Action = o, Arg = o.Port, Arg2 = o.QueueId, MplsTransparent = true },
        OfFinTimeout o => new() { Kind = XlateOpKind.FinTimeout, Action = o },
        OfMultipath o => CompileLoad(XlateOpKind.Multipath, o, o.Destination),
        OfBundle { Destination: { } to } o => CompileLoad(XlateOpKind.Bundle, o, to),
        OfBundle o => new() { Kind = XlateOpKind.Bundle, Action = o },
        OfSample o => new() { Kind = XlateOpKind.Sample, Action = o },
        OfLearn { Result: { } to } o => CompileLoad(XlateOpKind.Learn, o, to, new LearnProgram(o)),
        OfLearn o => new() { Kind = XlateOpKind.Learn, Action = o, Learns = new LearnProgram(o) },
        _ => new() { Kind = XlateOpKind.Nothing, Action = action },
    };

    private static XlateOp CompileClone(OfClone action)
    {
        XlateOp[] nested = Compile(action.Actions);
        return new XlateOp
        {
            Kind = XlateOpKind.Clone,
            Action = action,
            Nested = nested,
            Reversible = IsReversible(nested),
        };
    }

    /// <summary>Rewriting headers undoes all actions of a list (OVS <c>reversible_actions</c>).</summary>
    public static bool IsReversible(XlateOp[] ops) => !Array.Exists(ops, static o => o.Kind is XlateOpKind.Ct or XlateOpKind.Meter or XlateOpKind.OutputTruncated or XlateOpKind.Encap or XlateOpKind.Decap);

    private static XlateOp CompileCheck(OfCheckPktLarger action) => new()
    {
        Kind = XlateOpKind.CheckPktLarger,
        Action = action,
        Arg = action.LengthBytes,
        Destination = new(action.Destination),
        Patch = All(action.Destination),
    };

    private static XlateOp CompileSet(OfAction action, Field field, UInt128 value, UInt128 mask, bool pushVlan, bool mod)
    {
        if (IsVlan(field))
        {
            ushort m = (ushort)(mask << field.Shift);
            ushort v = (ushort)((value & mask) << field.Shift);

            // Over OpenFlow 1.5 all spellings of a VID are a set_field of vlan_vid, which gives an untagged packet a tag, and all of a
            // priority one of vlan_pcp, which does not.
            bool onlyTagged = mod && field.Id is not (FieldId.DlVlan or FieldId.VlanVid);
            bool implied = pushVlan || field.Id is FieldId.DlVlan or FieldId.VlanVid or FieldId.DlVlanPcp or FieldId.VlanPcp;
            if (implied || onlyTagged) (m, v) = ((ushort)(m | KeyMasks.VlanPresent), (ushort)(v | KeyMasks.VlanPresent));
            return new XlateOp
            {
                Kind = XlateOpKind.SetVlan,
                Action = action,
                VlanMask = m,
                VlanValue = v,
                VlanPushes = !onlyTagged,
                Prereq = onlyTagged ? FieldPrereq.None : field.Prereq,
                MplsTransparent = true,
            };
        }

        var range = new BitRange(field, 0, field.BitCount);
        if (range.IsWidePort && mask == range.Mask) value = range.PortWith(0, value);
        return new XlateOp
        {
            Kind = XlateOpKind.SetField,
            Action = action,
            Patch = range.Patch(value, mask),
            Prereq = mod && IsPort(field.Id) ? FieldPrereq.L4 : field.Prereq,
            Visible = IsVisible(field),
            MakesOption = field.Id == FieldId.TunMetadata0,
            ReadsProtocol = (mod && IsPort(field.Id)) || (field.Prereq is FieldPrereq.Ipv4 or FieldPrereq.Ipv6 or FieldPrereq.IpAny && field.Id != FieldId.IpDscp),
            MplsTransparent = !IsL3(field) && !(mod && field.Id is FieldId.Metadata or FieldId.MplsLabel or FieldId.MplsTc or FieldId.MplsTtl),
        };
    }

    private static XlateOp CompileMove(OfMove action)
    {
        Subfield dst = action.Destination;
        return new XlateOp
        {
            Kind = XlateOpKind.Move,
            Action = action,
            Source = new(action.Source),
            SourcePatch = All(action.Source),
            SourcePrereq = action.Source.Field.Prereq,
            Destination = new(dst),
            Patch = All(dst),
            Prereq = dst.Field.Prereq,
            Visible = IsVisible(dst.Field),
            MakesOption = dst.Field.Id == FieldId.TunMetadata0,
            ToVlan = IsVlan(dst.Field),
            VlanShift = (byte)(dst.Field.Shift + dst.Start),
            VlanMask = VlanBits(dst),
            VlanPushes = dst.Field.Id is FieldId.DlVlan or FieldId.DlVlanPcp or FieldId.VlanPcp,
        };
    }

    private static XlateOp CompilePop(OfStackPop action) => CompileLoad(XlateOpKind.StackPop, action, action.Destination);

    /// <summary>An action that writes a value which it finds out itself.</summary>
    private static XlateOp CompileLoad(XlateOpKind kind, OfAction action, Subfield dst, LearnProgram? learns = null) => new()
    {
        Kind = kind,
        Action = action,
        Learns = learns,
        Destination = new(dst),
        Patch = All(dst),
        Visible = IsVisible(dst.Field),
        MakesOption = dst.Field.Id == FieldId.TunMetadata0,
        ToVlan = IsVlan(dst.Field),
        VlanShift = (byte)(dst.Field.Shift + dst.Start),
        VlanMask = VlanBits(dst),
        VlanPushes = dst.Field.Id is FieldId.DlVlan or FieldId.DlVlanPcp or FieldId.VlanPcp,
    };

    private static ushort VlanBits(Subfield s)
        => IsVlan(s.Field) ? (ushort)(((1u << s.BitCount) - 1) << (s.Field.Shift + s.Start)) : (ushort)0;

    private static FieldPatch All(Subfield s) => new BitRange(s).Patch(UInt128.MaxValue, UInt128.MaxValue);

    private static bool IsVlan(Field field) => field.Offset == KeyLayout.Vlan0Tci && field.SizeBytes == 2;

    private static bool IsPort(FieldId id)
        => id is FieldId.TcpSrc or FieldId.TcpDst or FieldId.UdpSrc or FieldId.UdpDst or FieldId.SctpSrc or FieldId.SctpDst;

    private static bool IsVisible(Field field) => field.Offset < FlowKey.SizeBytes;

    private static bool IsL3(Field field) => field.Prereq is not (FieldPrereq.None or FieldPrereq.VlanVid or FieldPrereq.Mpls);
}
