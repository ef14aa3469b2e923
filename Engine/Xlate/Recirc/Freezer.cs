using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>Recirculation: putting a translation aside and taking it up again (OVS <c>finish_freezing</c>, <c>struct frozen_state</c>).</summary>
internal sealed unsafe class Freezer(
    XlateContext context,
    RecircStore recircs,
    Committer committer,
    CtXlate conntrack,
    LabelStack labels,
    ActionSet actionSet,
    List<UInt128> stack)
{
    private readonly XlateContext _context = context;
    private readonly XlateFlow _flow = context.Flow;
    private readonly RecircStore _recircs = recircs;
    private readonly Committer _committer = committer;
    private readonly CtXlate _conntrack = conntrack;
    private readonly LabelStack _labels = labels;
    private readonly ActionSet _actionSet = actionSet;
    private readonly List<UInt128> _stack = stack;
    private readonly List<XlateOp> _frozenOps = [];
    private bool _hashBeforeRecirc;
    private uint _hashAlgorithm;
    private uint _hashBasis;
    private OfController? _pause;

    /// <summary>All lists end here (OVS <c>ctx->exit</c>).</summary>
    public bool Exit { get; set; }

    /// <summary>What remains of the lists is to be run after a recirculation.</summary>
    public bool IsFreezing { get; private set; }

    /// <summary>dp_hash of the packet is meant.</summary>
    public bool HasDpHash { get; private set; }

    /// <summary>Something of a list has been kept for later.</summary>
    public bool HasKept => _frozenOps.Count > 0;

    public void Begin()
    {
        _frozenOps.Clear();
        _pause = null;
        Exit = IsFreezing = HasDpHash = _hashBeforeRecirc = false;
    }

    /// <summary>Ends all lists; what remains of them is run after the recirculation.</summary>
    public void Trigger()
    {
        Exit = true;
        IsFreezing = true;
        _hashBeforeRecirc = false;
        _pause = null;
    }

    /// <summary>The same; the datapath computes a hash of the packet first.</summary>
    public void TriggerHash(uint algorithm, uint basis)
    {
        Trigger();
        (_hashBeforeRecirc, _hashAlgorithm, _hashBasis) = (true, algorithm, basis);
    }

    /// <summary>The same; a controller says when the packet goes on (OVS <c>ctx->pause</c>).</summary>
    public void TriggerPause(OfController controller)
    {
        Trigger();
        _pause = controller;
    }

    /// <summary>What was to be kept is not (OVS <c>ctx_cancel_freeze</c>).</summary>
    public void Cancel()
    {
        _frozenOps.Clear();
        _pause = null;
        Exit = IsFreezing = _hashBeforeRecirc = false;
    }

    /// <summary>Keeps the rest of a list for later.</summary>
    public void Keep(ReadOnlySpan<XlateOp> rest)
    {
        foreach (XlateOp op in rest)
        {
            if (op.Action is OfNote or OfConjunction) continue;
            if (op.NeedsTable && LastUnroll()?.Equals(_context.Unroll) != true) _frozenOps.Add(_context.Unroll);

            _frozenOps.Add(op);
        }
    }

    private XlateOp? LastUnroll()
    {
        for (int i = _frozenOps.Count - 1; i >= 0; i--)
        {
            if (_frozenOps[i].Kind == XlateOpKind.Unroll) return _frozenOps[i];
        }

        return null;
    }

    /// <summary>Commits, computes a hash if one was asked for, and recirculates with the frozen actions.</summary>
    public void Finish()
    {
        _committer.Commit();
        IsFreezing = false;
        if (_pause is { } pause)
        {
            _pause = null;

            // Where nothing may happen, nobody is told to let the packet go on.
            if (!_context.IsSilent) Tell(pause.MaxLengthBytes, PacketInReasons.Of(pause.Reason), pause.Id, Intern(0, pause.UserData), continues: true);
        }
        else if (_hashBeforeRecirc)
        {
            ref DpAction a = ref _context.Out.Add(DpOp.Hash);
            a.Hash.Algorithm = _hashAlgorithm;
            a.Hash.Basis = _hashBasis;
            _hashBeforeRecirc = false;
            bool old = HasDpHash;
            HasDpHash = true;
            Freeze(0);
            HasDpHash = old;
        }
        else
        {
            Freeze(0);
        }

        _frozenOps.Clear();
        Exit = false;
    }

    /// <summary>Emits a recirculation that resumes in <paramref name="table"/>, or with the frozen actions if there are any.</summary>
    /// <returns>Its id.</returns>
    public uint Freeze(byte table)
    {
        uint id = Intern(table, "");
        _context.Out.Add(DpOp.Recirc).RecircId = id;
        return id;
    }

    /// <summary>Emits a message to controllers with what the pipeline knows of the packet (OVS <c>xlate_controller_action</c>).</summary>
    public void Tell(ushort maxLengthBytes, PacketInReason reason, ushort controllerId, string userData)
        => Tell(maxLengthBytes, reason, controllerId, Intern(_context.Table, userData, isOnlyTold: true), continues: false);

    private void Tell(ushort maxLengthBytes, PacketInReason reason, ushort controllerId, uint id, bool continues)
    {
        ref DpUserspace told = ref _context.Out.Add(DpOp.Userspace).Userspace;
        told.Reason = UserspaceReason.Controller;
        told.PacketInReason = reason;
        told.Continues = continues;
        told.IsSilent = _context.IsSilent;
        told.ControllerId = controllerId;
        told.MaxLengthBytes = maxLengthBytes;
        told.RecircId = id;
        told.Cookie = _context.Unroll.Cookie;
        _context.Out.SlowPath = true;
    }

    /// <summary>The id of the state as it is, with a reference that the translation holds.</summary>
    private uint Intern(byte table, string userData, bool isOnlyTold = false)
    {
        FrozenLanes lanes = default;
        lanes.Regs0 = Vector256.Load(_flow.Current + Lanes.At(Lanes.Regs));
        lanes.Regs1 = Vector256.Load(_flow.Current + Lanes.At(Lanes.RegsHigh));
        lanes.Metadata = Vector256.Load(_flow.Current + Lanes.At(Lanes.Metadata)) & FrozenLanes.MetadataOnly;
        lanes.TunnelMask0 = ~Vector256.Load(_flow.Live + Lanes.At(Lanes.Tunnel));
        lanes.TunnelMask1 = ~Vector256.Load(_flow.Live + Lanes.At(Lanes.TunnelIpv6));
        lanes.Tunnel0 = Vector256.Load(_flow.Current + Lanes.At(Lanes.Tunnel)) & lanes.TunnelMask0;
        lanes.Tunnel1 = Vector256.Load(_flow.Current + Lanes.At(Lanes.TunnelIpv6)) & lanes.TunnelMask1;
        lanes.InPort = Vector256.CreateScalar((ulong)*(uint*)(_flow.Current + L.InPort));
        var view = new FrozenView
        {
            Bridge = _context.Pipeline,
            Table = table,
            Conntracked = _conntrack.IsTracked(),
            WasMpls = _labels.WasMpls,
            HasDpHash = HasDpHash,
            IsBare = _flow.Layers.BaseType != PacketLayers.Ethernet,
            Mirrored = _context.Mirrored,
            Lanes = ref lanes,
            Stack = CollectionsMarshal.AsSpan(_stack),
            ActionSet = isOnlyTold ? [] : _actionSet.Ops,
            Ops = isOnlyTold ? [] : CollectionsMarshal.AsSpan(_frozenOps),
            UserData = userData,
        };
        uint id = _recircs.Intern(ref view);
        _context.Out.RecircIds.Add(id);
        return id;
    }

    /// <summary>Restores a frozen translation; its values are constants, because the recirculation id is in the mask.</summary>
    public void Thaw(FrozenState state)
    {
        if (_context.IsExplained)
        {
            _context.Step(new XlateStep(XlateStepKind.Thaw, _context.Level, "thaw"));
            _context.Step(new XlateStep(XlateStepKind.Thaw, _context.Level + 1, $"Resuming from table {state.Table}"));
        }

        _context.Table = state.Table;
        _labels.WasMpls = false;
        HasDpHash = state.HasDpHash;
        if (state.IsBare) _flow.BeginBare();
        _context.Mirrored = state.Mirrored;
        _conntrack.SetTracked(state.Conntracked);
        _context.Level++;
        if (!state.Conntracked) _conntrack.Clear();
        state.Lanes.Regs0.Store(_flow.Current + Lanes.At(Lanes.Regs));
        state.Lanes.Regs1.Store(_flow.Current + Lanes.At(Lanes.RegsHigh));
        state.Lanes.Metadata.Store(_flow.Current + Lanes.At(Lanes.Metadata));
        _actionSet.Clear();
        ThawTunnel(Lanes.Tunnel, state.Lanes.Tunnel0, state.Lanes.TunnelMask0);
        ThawTunnel(Lanes.TunnelIpv6, state.Lanes.Tunnel1, state.Lanes.TunnelMask1);

        // Not always the packet's own: a late fragment may resume where a packet of another port was put aside.
        _flow.Write(L.InPort, L.Window4, state.Lanes.InPort.ToScalar());
        foreach (UInt128 item in state.Stack) _stack.Add(item);
        if (state.ActionSet.Length > 0)
        {
            if (_context.IsExplained) Restoring("Restoring action set: ", state.ActionSet);
            _actionSet.Add(state.ActionSet);
        }

        if (state.Ops.Length > 0 && _context.IsExplained) Restoring("Restoring actions: ", state.Ops);
        _context.Level--;
    }

    private void Restoring(string title, XlateOp[] ops) => _context.Step(new XlateStep(XlateStepKind.Thaw, _context.Level, title) { Actions = [.. ops.Select(static o => o.Told).OfType<OfAction>()] });

    private void ThawTunnel(int lane, Vector256<byte> value, Vector256<byte> mask)
    {
        byte* flow = _flow.Current + Lanes.At(lane);
        byte* live = _flow.Live + Lanes.At(lane);
        ((Vector256.Load(flow) & ~mask) | value).Store(flow);
        (Vector256.Load(live) & ~mask).Store(live);
    }
}
