using System.Runtime.InteropServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Xlate;

/// <content>Actions on copies of the packet: <c>clone</c>, <c>check_pkt_larger</c>, and the saved states they need.</content>
public sealed unsafe partial class Translator
{
    private const int SavedBytes = 4 * TranslatorLayout.StrideBytes;

    private byte* _saved;
    private int _savedCapacity;
    private int _savedCount;
    private SavedVlans[] _savedVlans = new SavedVlans[16];

    /// <summary>
    /// Runs the nested list on a copy (OVS <c>clone_xlate_actions</c>). The datapath copies the packet if what came out cannot be undone by
    /// rewriting headers, however deep in tables and groups it was found; else the packet is rewritten when it is used next.
    /// </summary>
    private void Clone(XlateOp op, bool last)
    {
        int stackCount = _stack.Count;
        UInt128[] stack = stackCount == 0 ? [] : [.. _stack];
        XlateOp[] actionSet = _actionSet.Count == 0 ? [] : [.. _actionSet];
        bool isTranslated = _isTranslated;

        // A copy for sure: what is pending is not written twice.
        bool copies = !op.Reversible && !last;
        if (copies) Commit();
        int saved = Save();
        int record = _out.Count;
        Run(op.Nested, last || copies);
        EndCopy();
        if (_out.Count > record && (copies || (!last && !IsReversible(record))))
        {
            int count = _out.Count - record;
            _out.Insert(record, DpOp.Clone).NestedCount = count;
            RestoreAll(saved);
            _isTranslated = isTranslated;
        }
        else
        {
            RestoreFlow(saved);
        }

        _stack.Clear();
        _stack.AddRange(stack);
        _actionSet.Clear();
        _actionSet.AddRange(actionSet);
    }

    /// <summary>Whether set, push and pop actions can undo all that stands from record <paramref name="from"/> on (OVS <c>odp_actions_are_reversible</c>).</summary>
    private bool IsReversible(int from)
    {
        for (int at = from; at < _out.Count; at++)
        {
            ref DpAction a = ref _out.At(at);
            switch (a.Op)
            {
                case DpOp.Ct or DpOp.CtClear or DpOp.Hash or DpOp.Truncate or DpOp.Meter or DpOp.TnlPush or DpOp.TnlPop or DpOp.Drop:
                    return false;
                case DpOp.Clone or DpOp.Sample or DpOp.CheckPktLen:
                    at += a.NestedCount + a.ElseCount;
                    break;
            }
        }

        return true;
    }

    /// <summary>
    /// Translates the rest of the list twice: with the bit set for larger packets, cleared for the others (OVS <c>xlate_check_pkt_larger</c>).
    /// The first one executes the action set that there is, and the end of the pipeline does so once more; if it recirculates, what follows
    /// in the callers' lists is lost.
    /// </summary>
    private void CheckPktLarger(XlateOp op, ReadOnlySpan<XlateOp> rest)
    {
        UInt128[] stack = [.. _stack];
        XlateOp[] actionSet = [.. _actionSet];
        Commit();
        int saved = Save();
        int record = _out.Count;
        _out.Add(DpOp.CheckPktLen).LengthBytes = op.Arg;
        bool exit = false;
        for (int branch = 1; branch >= 0; branch--)
        {
            int start = _out.Count;
            WriteDestination(op, (UInt128)(uint)branch);
            Run(rest, isLast: true);
            EndCopy();
            int count = _out.Count - start;
            if (branch == 1) _out.At(record).NestedCount = count;
            else _out.At(record).ElseCount = count;
            if (branch == 0) continue;
            CopyBack(saved, all: true);
            (exit, _exit) = (_exit, false);
        }

        RestoreAll(saved);
        _stack.Clear();
        _stack.AddRange(stack);
        _actionSet.Clear();
        _actionSet.AddRange(actionSet);
        _exit = exit;
    }

    /// <summary>
    /// End of a copy's pipeline: its action set, or its recirculation, after which Open vSwitch translates nothing any more that stands behind
    /// the copy (<c>clone_xlate_actions</c> leaves <c>ctx->exit</c> set).
    /// </summary>
    private void EndCopy()
    {
        if (_out.Error is not null) return;
        if (!_freezing) RunActionSet();
        if (!_freezing) return;
        FinishFreezing();
        _exit = true;
    }

    /// <summary>Closes a nesting record; false if nothing is in it.</summary>
    private bool Nest(int record)
    {
        int count = _out.Count - record - 1;
        _out.At(record).NestedCount = count;
        return count > 0;
    }

    /// <summary>A clone at the very end need not be one.</summary>
    private void UnwrapTrailingClone()
    {
        int at = 0;
        while (at < _out.Count)
        {
            ref DpAction a = ref _out.At(at);
            int size = 1 + (a.Op is DpOp.Clone or DpOp.Sample or DpOp.CheckPktLen ? a.NestedCount + a.ElseCount : 0);
            if (at + size == _out.Count)
            {
                if (a.Op == DpOp.Clone) _out.RemoveAt(at);
                return;
            }

            at += size;
        }
    }

    /// <summary>Saves flow and base; returns the slot.</summary>
    private int Save()
    {
        if (_savedCount == _savedCapacity)
        {
            _savedCapacity = Math.Max(8, 2 * _savedCapacity);
            _saved = (byte*)NativeMemory.AlignedRealloc(_saved, (nuint)(_savedCapacity * SavedBytes), 64);
            Array.Resize(ref _savedVlans, Math.Max(_savedVlans.Length, _savedCapacity));
        }

        int slot = _savedCount++;
        Buffer.MemoryCopy(_flow, _saved + (slot * SavedBytes), SavedBytes, SavedBytes);
        _savedVlans[slot] = new SavedVlans(_vlans, _baseVlans, _wasMpls, _conntracked, _conntrackedInKey, _dirty);
        return slot;
    }

    /// <summary>Rolls the flow back; the datapath's packet stays as the copy's actions left it, and is rewritten when it is used next.</summary>
    private void RestoreFlow(int slot)
    {
        Buffer.MemoryCopy(_saved + (slot * SavedBytes), _flow, SavedBytes, 2 * TranslatorLayout.StrideBytes);
        SavedVlans s = _savedVlans[slot];
        (_vlans, _wasMpls, _conntracked, _conntrackedInKey) = (s.Vlans, s.WasMpls, s.Conntracked, s.ConntrackedInKey);
        _dirty = true;
        _savedCount = slot;
    }

    /// <summary>Rolls flow and packet back: the copy's actions ran in a nested program.</summary>
    private void RestoreAll(int slot)
    {
        CopyBack(slot, all: true);
        _savedCount = slot;
    }

    private void CopyBack(int slot, bool all)
    {
        int size = (all ? 4 : 2) * TranslatorLayout.StrideBytes;
        Buffer.MemoryCopy(_saved + (slot * SavedBytes), _flow, size, size);
        SavedVlans s = _savedVlans[slot];
        (_vlans, _baseVlans, _wasMpls, _dirty) = (s.Vlans, s.Base, s.WasMpls, s.Dirty);
        (_conntracked, _conntrackedInKey) = (s.Conntracked, s.ConntrackedInKey);
    }

    private void FreeSaved()
    {
        NativeMemory.AlignedFree(_saved);
        _saved = null;
    }

    private readonly record struct SavedVlans(TagStack Vlans, TagStack Base, bool WasMpls, bool Conntracked, bool ConntrackedInKey, bool Dirty);
}
