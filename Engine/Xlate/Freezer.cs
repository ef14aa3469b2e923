using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.TranslatorLayout;

namespace Mergeflow.Engine.Xlate;

/// <content>Recirculation: putting a translation aside and taking it up again (OVS <c>finish_freezing</c>, <c>struct frozen_state</c>).</content>
public sealed unsafe partial class Translator
{
    /// <summary>Ends all lists; what remains of them is run after the recirculation.</summary>
    private void TriggerFreeze()
    {
        _exit = true;
        _freezing = true;
        _hashBeforeRecirc = false;
    }

    /// <summary>Keeps the rest of a list for later.</summary>
    private void FreezeOps(ReadOnlySpan<XlateOp> rest)
    {
        foreach (XlateOp op in rest)
        {
            if (op.NeedsTable && LastUnroll() != _table)
            {
                _frozenOps.Add(XlateOp.UnrollTo(_table));
            }

            _frozenOps.Add(op);
        }
    }

    private int LastUnroll()
    {
        for (int i = _frozenOps.Count - 1; i >= 0; i--)
        {
            if (_frozenOps[i].Kind == XlateOpKind.Unroll) return (int)_frozenOps[i].Arg;
        }

        return -1;
    }

    /// <summary>Commits, computes a hash if one was asked for, and recirculates with the frozen actions.</summary>
    private void FinishFreezing()
    {
        Commit();
        _freezing = false;
        if (_hashBeforeRecirc)
        {
            ref DpAction a = ref _out.Add(DpOp.Hash);
            a.Hash.Algorithm = _hashAlgorithm;
            a.Hash.Basis = _hashBasis;
            _hashBeforeRecirc = false;
            bool old = _hasDpHash;
            _hasDpHash = true;
            Freeze(0);
            _hasDpHash = old;
        }
        else
        {
            Freeze(0);
        }

        _frozenOps.Clear();
        _exit = false;
    }

    /// <summary>Emits a recirculation that resumes in <paramref name="table"/>, or with the frozen actions if there are any.</summary>
    private void Freeze(byte table)
    {
        FrozenLanes lanes = default;
        lanes.Regs0 = Vector256.Load(_flow + PipelineFlow.RegOffset);
        lanes.Regs1 = Vector256.Load(_flow + PipelineFlow.RegOffset + 32);
        lanes.Metadata = Vector256.Load(_flow + PipelineFlow.RegOffset + 64) & MetadataOnly;
        lanes.TunnelMask0 = ~Vector256.Load(_live + (32 * L.TunnelLane));
        lanes.TunnelMask1 = ~Vector256.Load(_live + (32 * (L.TunnelLane + 1)));
        lanes.Tunnel0 = Vector256.Load(_flow + (32 * L.TunnelLane)) & lanes.TunnelMask0;
        lanes.Tunnel1 = Vector256.Load(_flow + (32 * (L.TunnelLane + 1))) & lanes.TunnelMask1;
        lanes.InPort = Vector256.CreateScalar((ulong)*(uint*)(_flow + L.InPort));
        var view = new FrozenView
        {
            Table = table,
            Conntracked = IsTracked(),
            WasMpls = _wasMpls,
            HasDpHash = _hasDpHash,
            Lanes = ref lanes,
            Stack = CollectionsMarshal.AsSpan(_stack),
            ActionSet = CollectionsMarshal.AsSpan(_actionSet),
            Ops = CollectionsMarshal.AsSpan(_frozenOps),
        };
        uint id = _recircs.Intern(ref view);
        _out.RecircIds.Add(id);
        _out.Add(DpOp.Recirc).RecircId = id;
    }

    /// <summary>Restores a frozen translation; its values are constants, because the recirculation id is in the mask.</summary>
    private void Thaw(FrozenState state)
    {
        Note(null, $"thaw, resuming from table {state.Table}");
        _table = state.Table;
        _wasMpls = false;
        _hasDpHash = state.HasDpHash;
        SetTracked(state.Conntracked);
        if (!state.Conntracked) ClearConntrack();
        state.Lanes.Regs0.Store(_flow + PipelineFlow.RegOffset);
        state.Lanes.Regs1.Store(_flow + PipelineFlow.RegOffset + 32);
        state.Lanes.Metadata.Store(_flow + PipelineFlow.RegOffset + 64);
        ThawTunnel(L.TunnelLane, state.Lanes.Tunnel0, state.Lanes.TunnelMask0);
        ThawTunnel(L.TunnelLane + 1, state.Lanes.Tunnel1, state.Lanes.TunnelMask1);

        // Not always the packet's own: a late fragment may resume where a packet of another port was put aside.
        Write(L.InPort, L.Window4, state.Lanes.InPort.ToScalar());
        foreach (UInt128 item in state.Stack) _stack.Add(item);
        if (state.ActionSet.Length > 0) WriteActions(state.ActionSet);
    }

    private void ThawTunnel(int lane, Vector256<byte> value, Vector256<byte> mask)
    {
        byte* flow = _flow + (32 * lane);
        byte* live = _live + (32 * lane);
        ((Vector256.Load(flow) & ~mask) | value).Store(flow);
        (Vector256.Load(live) & ~mask).Store(live);
    }

    /// <summary>Lane 11 without conj_id and actset_output, which do not survive.</summary>
    private static Vector256<byte> MetadataOnly => Vector256.Create(ulong.MaxValue, 0, 0, 0).AsByte();
}
