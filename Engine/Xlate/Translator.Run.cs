using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <content>The action loop (OVS <c>do_xlate_actions</c>).</content>
public sealed unsafe partial class Translator
{
    /// <summary>Runs a list. <paramref name="isLast"/>: nothing follows it, so a clone need not be undone.</summary>
    private void Run(ReadOnlySpan<XlateOp> ops, bool isLast)
    {
        if (_context.Recursion >= MaxRecursion)
        {
            _context.Fail("Recursion too deep", "actions are nested too deeply");
            return;
        }

        if (ops.IsEmpty) _context.Dropped();
        _context.Recursion++;
        for (int i = 0; i < ops.Length; i++)
        {
            if (_context.Out.Error is not null) break;
            XlateOp op = ops[i];
            if (_labels.WasMpls && !_freezer.Exit && !op.MplsTransparent) _freezer.Trigger();
            if (_freezer.Exit)
            {
                if (_freezer.IsFreezing) _freezer.Keep(ops[i..]);
                break;
            }

            if (_context.IsExplained && op.Told is { } told) _context.Step(new XlateStep(XlateStepKind.Action, _context.Level, "") { Action = told });
            bool last = isLast && i == ops.Length - 1 && _actionSet.Count == 0;
            if (!RunOne(op, ops[(i + 1)..], last)) break;

            // An action that froze the translation itself is run again after the recirculation; a table it went through is not.
            if (op.Kind is XlateOpKind.Resubmit or XlateOpKind.GotoTable) continue;
            if (op.Kind is XlateOpKind.Pause or XlateOpKind.DebugRecirc) break;
            if (_context.Out.Error is null && _freezer.Exit && _freezer.IsFreezing && !_freezer.HasKept)
            {
                _freezer.Keep(ops[i..]);
                break;
            }
        }

        _context.Recursion--;
    }

    /// <summary>Runs one action; false ends the list.</summary>
    private bool RunOne(XlateOp op, ReadOnlySpan<XlateOp> rest, bool last)
    {
        switch (op.Kind)
        {
            case XlateOpKind.Output:
                Output(op.Arg, last);
                return true;
            case XlateOpKind.OutputRegister:
                OutputRegister(op, last);
                return true;
            case XlateOpKind.OutputTruncated:
                _transmitter.TransmitTruncated(op);
                return true;
            case XlateOpKind.Controller:
                OutputToController((ushort)op.Arg2);
                return true;
            case XlateOpKind.Notify:
                TellController((OfController)op.Action!);
                return true;
            case XlateOpKind.Pause:
                _freezer.TriggerPause((OfController)op.Action!);
                _freezer.Keep(rest);
                return true;
            case XlateOpKind.DebugRecirc:
                _freezer.Trigger();
                _freezer.Keep(rest);
                return true;
            case XlateOpKind.DebugSlow:
                _context.Out.SlowPath = _context.Out.IsSlowByOrder = true;
                return true;
            case XlateOpKind.Exit:
                _freezer.Exit = true;
                return true;
            case XlateOpKind.Queue:
                SetQueue(op.Arg);
                return true;
            case XlateOpKind.PopQueue:
                SetPriority(_flow.InitialPriority);
                return true;
            case XlateOpKind.Enqueue:
                Enqueue(op, last);
                return true;
            case XlateOpKind.FinTimeout:
                FinTimeout((OfFinTimeout)op.Action!);
                return true;
            case XlateOpKind.Multipath:
                Multipath(op);
                return true;
            case XlateOpKind.Bundle:
                Bundle(op, last);
                return true;
            case XlateOpKind.Sample:
                Sample((OfSample)op.Action!);
                return true;
            case XlateOpKind.Learn:
                Learn(op);
                return true;
            case XlateOpKind.Group:
                return RunGroup(op.Arg, last);
            case XlateOpKind.Resubmit:
                Resubmit(op, last);
                return true;
            case XlateOpKind.GotoTable:
                EnterTable(0, (byte)op.Arg, withCtTuple: false, last, tellsMiss: true);
                return true;
            case XlateOpKind.SetField:
                if (!_flow.Meets(op.Prereq))
                {
                    Unmet(op);
                    return true;
                }

                if (_context.ReadsWhatItWrites || _flow.Layers.Changes > 0) ConsultWritten(op);
                _flow.Write(op.Patch);
                if (op.MakesOption) _flow.Write(L.TunOptions, 0xff, 1);
                _flow.IsDirty |= op.Visible;
                return true;
            case XlateOpKind.SetVlan:
                if (_flow.Meets(op.Prereq)) _tags.Set(op.VlanValue, op.VlanMask, op.VlanPushes);
                else Unmet(op);
                return true;
            case XlateOpKind.Move:
                Move(op);
                return true;
            case XlateOpKind.StackPush:
                _flow.Consult(op.SourcePatch);
                if (_stack.Count >= MaxStackEver) _context.Fail("Stack too deep", "actions yielded over 1 MB of stack");
                else _stack.Add(op.Source.Read(_flow.Current));
                return true;
            case XlateOpKind.StackPop:
                if (_stack.Count == 0)
                {
                    _context.Error("stack underflow");
                    return true;
                }

                WriteDestination(op, _stack[^1]);
                _stack.RemoveAt(_stack.Count - 1);
                if (_context.IsExplained) _context.Shows(((OfStackPop)op.Action!).Destination);
                return true;
            case XlateOpKind.PushVlan:
                _tags.Push((ushort)op.Arg);
                return true;
            case XlateOpKind.PopVlan:
                _tags.Pop();
                return true;
            case XlateOpKind.PushMpls:
                _labels.Push((ushort)op.Arg);
                return true;
            case XlateOpKind.PopMpls:
                _labels.Pop((ushort)op.Arg);
                return true;
            case XlateOpKind.Encap:
                _layers.Encap(op.Arg);
                return true;
            case XlateOpKind.Decap:
                if (!_layers.Decap(op.Arg)) return true;
                _freezer.Trigger();
                _freezer.Keep(rest);
                return false;
            case XlateOpKind.DecTtl:
                return DecTtl((OfDecTtl)op.Action!);
            case XlateOpKind.DecMplsTtl:
                return DecMplsTtl();
            case XlateOpKind.Ct:
                Conntrack(op);
                return true;
            case XlateOpKind.CtClear:
                if (!_conntrack.IsTracked()) return true;
                _conntrack.Clear();
                _context.Out.Add(DpOp.CtClear);
                return true;
            case XlateOpKind.Clone:
                Clone(op, last);
                return true;
            case XlateOpKind.Meter:
                if (_context.Tables.Meters.TryGetValue(op.Arg, out OfMeterState? meter)) _context.Out.Add(DpOp.Meter).MeterId = meter.Slot;
                return true;
            case XlateOpKind.WriteActions:
                _actionSet.Add(op.Nested);
                ShowActionSet("is");
                return true;
            case XlateOpKind.ClearActions:
                ShowActionSet("was");
                _actionSet.Clear();
                return true;
            case XlateOpKind.CheckPktLarger:
                CheckPktLarger(op, rest);
                return false;
            case XlateOpKind.Unroll:
                _context.Table = (byte)op.Arg;
                _context.Unroll = op;
                if (_context.IsExplained) _context.Step(new XlateStep(XlateStepKind.Thaw, _context.Level, op.Cookie == 0 ? $"restored state: table={op.Arg}, cookie=0" : $"restored state: table={op.Arg}, cookie=0x{op.Cookie:x}"));
                return true;
            default:
                if (op.Action is OfConjunction) _context.Error("executing no-op conjunction action");
                return true;
        }
    }

    private void Move(XlateOp op)
    {
        if (_flow.Meets(op.Prereq) && _flow.Meets(op.SourcePrereq))
        {
            _flow.Consult(op.SourcePatch);
            WriteDestination(op, op.Source.Read(_flow.Current));
        }

        if (_context.IsExplained) _context.Shows(((OfMove)op.Action!).Destination);
    }

    private void Unmet(XlateOp op)
    {
        if (op.Action is OfSetField { Spelling: not OfSetSpelling.Mod } set) _context.Warn($"unmet prerequisites for {set.Field.Name}, set_field ignored");
    }

    private void ShowActionSet(string verb)
    {
        if (!_context.IsExplained) return;
        OfAction[] actions = _actionSet.InOrder();
        _context.Step(new XlateStep(XlateStepKind.Detail, _context.Level, actions.Length == 0 ? $"action set {verb} empty" : $"action set {verb}: ") { Actions = actions.Length == 0 ? null : actions });
    }

    /// <summary>Decrements the TTL; false stops the list: it was 0 or 1.</summary>
    private bool DecTtl(OfDecTtl action)
    {
        // In an action set it may meet a packet without one, and Open vSwitch has read the fields before it knows.
        if (_context.ReadsWhatItWrites)
        {
            _flow.Consult(L.NwTtl, 0xff);
            _flow.Consult(L.NwProto, 0xff);
        }

        if (!_flow.IsIp) return true;
        _flow.Consult(L.NwTtl, 0xff);
        byte ttl = _flow.Current[L.NwTtl];
        if (ttl <= 1)
        {
            if (action.ControllerIds is null) _transmitter.Tell(ushort.MaxValue, PacketInReason.InvalidTtl, 0, "", null);
            for (int i = 0; i < action.ControllerIds?.Count; i++) _transmitter.Tell(ushort.MaxValue, PacketInReason.InvalidTtl, action.ControllerIds[i], "", null);
            _context.Warn($"IPv{(_flow.DlType == EthType.Ip ? 4 : 6)} decrement TTL exception");
            return false;
        }

        _flow.Write(L.NwTtl, 0xff, (ulong)(ttl - 1));
        _flow.IsDirty = true;
        return true;
    }

    /// <summary>The same for the outer label.</summary>
    private bool DecMplsTtl()
    {
        if (_labels.DecTtl(out bool isOver)) return true;
        if (!isOver) return false;
        _transmitter.Tell(ushort.MaxValue, PacketInReason.InvalidTtl, 0, "", null);
        _context.Warn("MPLS decrement TTL exception");
        return false;
    }

    /// <summary>Executes the action set at the end of the pipeline.</summary>
    private void RunActionSet()
    {
        if (_actionSet.Count == 0 || _context.Out.Error is not null) return;
        List<XlateOp> list = _actionSet.Take();
        if (list.Count > 0)
        {
            if (_context.IsExplained) _context.Step(new XlateStep(XlateStepKind.Table, _context.Level, "--. Executing action set:"));
            _context.Level++;
            _context.InActionSet = true;
            Run(CollectionsMarshal.AsSpan(list), isLast: true);
            _context.Level--;
        }

        _actionSet.Return(list);
    }

    /// <summary>What leaves from now on does so by this queue (OVS <c>xlate_set_queue_action</c>, <c>dpif_netdev_queue_to_priority</c>).</summary>
    private void SetQueue(uint queue) => SetPriority(queue <= ushort.MaxValue ? (ushort)queue : (ushort)0);

    private void SetPriority(ushort queue)
    {
        // Whoever comes back may have any: all packets of the megaflow have to leave by this one.
        if (_flow.IsRecirculated) _flow.Consult(L.SkbPriority, L.Window2);
        _flow.Write(L.SkbPriority, L.Window2, Be16.FromHost(queue).Raw);
        _flow.IsDirty = true;
    }

    /// <summary>One output by a queue (OVS <c>xlate_enqueue_action</c>).</summary>
    private void Enqueue(XlateOp op, bool last)
    {
        ushort before = _flow.Priority;
        SetQueue(op.Arg2);
        Output(op.Arg, last);
        SetPriority(before);
    }

    private void Output(uint port, bool last)
    {
        switch (port)
        {
            case (uint)OfReservedPort.InPort:
                _transmitter.Transmit(_flow.InPort, last);
                break;
            case (uint)OfReservedPort.Table:
                EnterTable(0, 0, withCtTuple: false, last);
                break;
            case (uint)OfReservedPort.Normal:
                _normal.Forward();
                break;
            case (uint)OfReservedPort.Flood:
                _transmitter.Flood(all: false);
                break;
            case (uint)OfReservedPort.All:
                _transmitter.Flood(all: true);
                break;
            case (uint)OfReservedPort.Controller:
                OutputToController(0);
                break;
            case (uint)OfReservedPort.None:
                break;
            default:
                if (port != _flow.InPort) _transmitter.Transmit(port, last);
                else _context.Warn("skipping output to input port");
                break;
        }
    }

    private void OutputRegister(XlateOp op, bool last)
    {
        _flow.Consult(op.SourcePatch);
        UInt128 port = op.Source.Read(_flow.Current);
        if (port > ushort.MaxValue)
        {
            _context.Warn($"output port {port} is out of range");
            return;
        }

        _context.Detail($"output port is {port}");
        Output((uint)port, last);
    }

    /// <summary>
    /// What a constant is written to counts as read, and for ARP fields the operation as well (OVS <c>mf_set_mask_l3_prereqs</c>), not for those of RARP.
    /// </summary>
    private void ConsultWritten(XlateOp op)
    {
        _flow.Consult(op.Patch);

        // Addresses that a new header has not got yet count as the packet's own.
        if (_flow.Layers.Changes > 0 && op.Patch.Offset0 < L.DlType) op.Patch.Consult(_flow.Consulted, _flow.Whole);
        if (op.ReadsProtocol || (op.Prereq == FieldPrereq.Arp && _flow.DlType == EthType.Arp)) _flow.Consult(L.NwProto, 0xff);
    }

    /// <summary>Writes the run of bits <paramref name="op"/> describes with <paramref name="value"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void WriteDestination(XlateOp op, UInt128 value)
    {
        if (op.Destination.IsWidePort)
        {
            _flow.Write(L.InPort, L.Window4, Be32.FromHost(op.Destination.PortWith(_flow.InPort, value)).Raw);
            return;
        }

        if (op.ToVlan)
        {
            ushort bits = (ushort)((ulong)value << op.VlanShift);
            _tags.Set((ushort)(bits | (op.VlanPushes ? TagModel.Present : 0)), (ushort)(op.VlanMask | (op.VlanPushes ? TagModel.Present : 0)), pushes: true);
            return;
        }

        FieldPatch patch = op.Destination.Patch(value, UInt128.MaxValue);
        if (_context.ReadsWhatItWrites) _flow.Consult(patch);
        _flow.Write(patch);
        if (op.MakesOption) _flow.Write(L.TunOptions, 0xff, 1);
        _flow.IsDirty |= op.Visible;
    }
}
