using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Xlate;

/// <content>The action loop (OVS <c>do_xlate_actions</c>).</content>
public sealed unsafe partial class Translator
{

    /// <summary>Runs a list. <paramref name="isLast"/>: nothing follows it, so a clone need not be undone.</summary>
    private void Run(ReadOnlySpan<XlateOp> ops, bool isLast)
    {
        if (_recursion >= MaxRecursion)
        {
            Fail("actions are nested too deeply");
            return;
        }

        _recursion++;
        for (int i = 0; i < ops.Length; i++)
        {
            if (_out.Error is not null) break;
            XlateOp op = ops[i];
            if (_wasMpls && !_exit && !op.MplsTransparent) TriggerFreeze();
            if (_exit)
            {
                if (_freezing) FreezeOps(ops[i..]);
                break;
            }

            if (op.Action is not null) _out.Steps?.Add(new XlateStep(_recursion, _table, null, "", op.Action));
            bool last = isLast && i == ops.Length - 1 && _actionSet.Count == 0;
            if (!RunOne(op, ops[(i + 1)..], last)) break;

            // An action that froze the translation itself is run again after the recirculation; a table it went through is not.
            if (op.Kind is XlateOpKind.Resubmit or XlateOpKind.GotoTable) continue;
            if (_out.Error is null && _exit && _freezing && _frozenOps.Count == 0)
            {
                FreezeOps(ops[i..]);
                break;
            }
        }

        _recursion--;
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
                OutputTruncated(op);
                return true;
            case XlateOpKind.Controller or XlateOpKind.Notify:
                ToController(op.Arg2);
                return true;
            case XlateOpKind.Group:
                return RunGroup(op.Arg, last);
            case XlateOpKind.Resubmit:
                Resubmit(op, last);
                return true;
            case XlateOpKind.GotoTable:
                EnterTable(0, (byte)op.Arg, withCtTuple: false, last);
                return true;
            case XlateOpKind.SetField:
                if (!Meets(op.Prereq)) return true;
                if (ReadsWhatItWrites) ConsultWritten(op);
                op.Patch.Write(_flow);
                op.Patch.Clear(_live);
                _dirty |= op.Visible;
                return true;
            case XlateOpKind.SetVlan:
                if (Meets(op.Prereq)) SetVlan(op.VlanValue, op.VlanMask, op.VlanPushes);
                return true;
            case XlateOpKind.Move:
                if (!Meets(op.Prereq) || !Meets(op.SourcePrereq)) return true;
                op.SourcePatch.Consult(_wc, _live);
                WriteDestination(op, op.Source.Read(_flow));
                return true;
            case XlateOpKind.StackPush:
                op.SourcePatch.Consult(_wc, _live);
                if (_stack.Count >= MaxStack) Fail("the stack is over 64 kB");
                else _stack.Add(op.Source.Read(_flow));
                return true;
            case XlateOpKind.StackPop:
                if (_stack.Count == 0)
                {
                    Note(null, "stack underflow");
                    return true;
                }

                WriteDestination(op, _stack[^1]);
                _stack.RemoveAt(_stack.Count - 1);
                return true;
            case XlateOpKind.PushVlan:
                PushVlan((ushort)op.Arg);
                return true;
            case XlateOpKind.PopVlan:
                PopVlan();
                return true;
            case XlateOpKind.PushMpls:
                PushMpls((ushort)op.Arg);
                return true;
            case XlateOpKind.PopMpls:
                PopMpls((ushort)op.Arg);
                return true;
            case XlateOpKind.DecTtl:
                return DecTtl();
            case XlateOpKind.DecMplsTtl:
                return DecMplsTtl();
            case XlateOpKind.Ct:
                Conntrack(op);
                return true;
            case XlateOpKind.CtClear:
                if (!IsTracked()) return true;
                ClearConntrack();
                _out.Add(DpOp.CtClear);
                return true;
            case XlateOpKind.Clone:
                Clone(op, last);
                return true;
            case XlateOpKind.Meter:
                if (_tables.Meters.TryGetValue(op.Arg, out OfMeterState? meter)) _out.Add(DpOp.Meter).MeterId = meter.Slot;
                else Note(null, $"meter {op.Arg} does not exist");
                return true;
            case XlateOpKind.WriteActions:
                WriteActions(op.Nested);
                return true;
            case XlateOpKind.ClearActions:
                _actionSet.Clear();
                _actionSetHasGroup = false;
                SetActsetOutput(OfPorts.Unset);
                return true;
            case XlateOpKind.CheckPktLarger:
                CheckPktLarger(op, rest);
                return false;
            case XlateOpKind.Unroll:
                _table = (byte)op.Arg;
                return true;
            default:
                return true;
        }
    }

    /// <summary>Decrements the TTL; false stops the list: it was 0 or 1.</summary>
    private bool DecTtl()
    {
        if (!IsIp) return true;
        Consult(TranslatorLayout.NwTtl, 0xff);
        byte ttl = _flow[TranslatorLayout.NwTtl];
        if (ttl <= 1)
        {
            Note(null, "TTL exceeded");
            return false;
        }

        Write(TranslatorLayout.NwTtl, 0xff, (ulong)(ttl - 1));
        _dirty = true;
        return true;
    }

    private void WriteActions(XlateOp[] ops)
    {
        foreach (XlateOp op in ops)
        {
            if (_actionSetHasGroup) break;
            if (op.Kind == XlateOpKind.Output) SetActsetOutput(op.Arg);
            if (op.Kind != XlateOpKind.Group) continue;
            SetActsetOutput(OfPorts.Unset);
            _actionSetHasGroup = true;
        }

        _actionSet.AddRange(ops);
    }

    /// <summary>Where the action set leads: the field is of OpenFlow 1.5 and has the wide numbers of reserved ports.</summary>
    private void SetActsetOutput(uint port)
        => Write(TranslatorLayout.ActsetOutput, TranslatorLayout.Window4, BinaryPrimitives.ReverseEndianness(OfPorts.Widen(port)));

    /// <summary>Executes the action set at the end of the pipeline.</summary>
    private void RunActionSet()
    {
        if (_actionSet.Count == 0 || _out.Error is not null) return;
        List<XlateOp> list = _spareLists.Count > 0 ? _spareLists.Pop() : [];
        XlateCompiler.OrderActionSet(_actionSet, list);
        _actionSet.Clear();
        if (list.Count > 0)
        {
            Note(null, "action set");
            Run(CollectionsMarshal.AsSpan(list), isLast: true);
        }

        _spareLists.Push(list);
    }
}
