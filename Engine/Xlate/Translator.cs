using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>
/// Turns a packet's key into a datapath program and the mask of the bits the program depends on (OVS ofproto-dpif-xlate.c). One per thread;
/// reused, so that a translation leaves no garbage behind.
/// </summary>
/// <remarks>
/// It runs lists of actions. What they act on has types of its own, which know nothing of lists: the working copies of the flow (<see cref="XlateFlow"/>),
/// tags and labels, what is frozen, who is sent what. Only what runs a list in a list is here: tables, buckets, clones, the action set.
/// </remarks>
public sealed partial class Translator : IDisposable
{
    /// <summary>Nested resubmits to the same or an earlier table, groups and buckets (OVS <c>MAX_DEPTH</c>).</summary>
    public const int MaxDepth = 64;

    /// <summary>Resubmits per translation (OVS <c>MAX_RESUBMITS</c>).</summary>
    public const int MaxResubmits = 64 * 64;

    private const int MaxActions = 8192;

    /// <summary>Items of four bytes in 64 kB of Open vSwitch's stack, beyond which nothing is resubmitted.</summary>
    private const int MaxStack = 65536 / 5;

    /// <summary>What the stack never exceeds.</summary>
    private const int MaxStackEver = 65536;
    private const int MaxRecursion = 1024;

    private readonly RecircStore _recircs;
    private readonly XlateFlow _flow = new();
    private readonly XlateContext _context;
    private readonly TagModel _tags;
    private readonly LabelStack _labels;
    private readonly LayerXlate _layers;
    private readonly CtXlate _conntrack;
    private readonly FlowDifference _difference;
    private readonly Committer _committer;
    private readonly SavedFlows _saved;
    private readonly ActionSet _actionSet;
    private readonly List<UInt128> _stack = [];
    private readonly Freezer _freezer;
    private readonly RuleLookup _lookup;
    private readonly GroupXlate _groups;
    private readonly TunnelXlate _tunnels;
    private readonly Transmitter _transmitter;
    private readonly NormalXlate _normal;
    private readonly MirrorXlate _mirrors;
    private readonly BondXlate _bonds;
    private readonly FieldHash _hashes;
    private int _bucketDepth;
    private bool _isExplained;
    private PipelineFlow _explained;
    private XlateOp[]? _explainedOps;
    private FrozenState? _resumed;
    private int _depth;
    private int _resubmits;

    /// <summary>A translator for the datapath of <paramref name="pipeline"/>, its other bridges included, that puts translations aside in <paramref name="recircs"/>.</summary>
    public Translator(OfPipeline pipeline, RecircStore recircs)
    {
        _recircs = recircs;
        _context = new XlateContext(pipeline, _flow);
        _tags = new TagModel(_context);
        _difference = new FlowDifference(_flow);
        _committer = new Committer(_context, _difference, _tags);
        _labels = new LabelStack(_context, _committer);
        _layers = new LayerXlate(_context, _committer, _labels);
        _conntrack = new CtXlate(_context);
        _saved = new SavedFlows(_flow, _tags, _labels, _conntrack);
        _actionSet = new ActionSet(_flow);
        _freezer = new Freezer(_context, recircs, _committer, _conntrack, _labels, _actionSet, _stack);
        _lookup = new RuleLookup(_context);
        _groups = new GroupXlate(_context, _freezer);
        _tunnels = new TunnelXlate(_context, _committer);
        _transmitter = new Transmitter(_context, _committer, _freezer, _tunnels);
        _hashes = new FieldHash(_context, _tags);
        _normal = new NormalXlate(_context, _tags, _transmitter, _bonds = new BondXlate(_context, _hashes));
        _mirrors = new MirrorXlate(_context, _normal);
        _transmitter.Mirrors = _mirrors;
        _transmitter.Through = PassPatch;
        _tunnels.Below = PassTunnel;
    }

    /// <summary>
    /// Whether <c>normal</c>, <c>learn</c> and <c>fin_timeout</c> change anything: not if no packet is there to learn from (OVS <c>allow_side_effects</c>).
    /// </summary>
    public bool Learns
    {
        get => _normal.Learns;
        set => _normal.Learns = value;
    }

    /// <summary>Whether <c>learn</c> and <c>fin_timeout</c> change anything, if that is not the same as <see cref="Learns"/>: packets are there, but <c>normal</c> has learned from them.</summary>
    internal bool? LearnsRules { get; set; }

    /// <summary>Where rules are learned by a thread that must not wait for the tables; null = it may.</summary>
    internal LearnBacklog? Backlog { get; init; }

    private bool MayLearnRules => LearnsRules ?? Learns;

    /// <summary>
    /// Translates <paramref name="key"/> (absent lanes zero) for a packet of <paramref name="packetLengthBytes"/> bytes at virtual time
    /// <paramref name="nowMs"/>. A failed translation yields an empty program, which drops.
    /// </summary>
    public void Translate(ref FlowKey key, int packetLengthBytes, XlateResult result, long nowMs)
        => Translate(ref key, packetLengthBytes, result, nowMs, ref Unsafe.NullRef<FlowKey>());

    /// <summary>
    /// The same for a packet of a megaflow that exists: the bits of <paramref name="assumed"/> are in its mask already, so rules are ruled out by
    /// them as far as possible. The resulting mask includes them.
    /// </summary>
    internal void Translate(ref FlowKey key, int packetLengthBytes, XlateResult result, long nowMs, ref FlowKey assumed)
    {
        _context.Begin(result, nowMs);
        _context.HasPacket = Learns && LearnsRules is null && !_isExplained;
        _context.IsStaged = _tags.SharesMegaflows && TagModel.IsTaggedMpls(ref key);
        TranslateOnce(ref key, result, ref assumed);
        if (result.TagsOverlap && !_context.IsStaged)
        {
            _context.IsStaged = true;
            TranslateOnce(ref key, result, ref assumed);
        }

        _flow.JoinExcluded();
        _tags.FinishMask();
        _flow.CopyMask(ref result.Mask);
        _context.End();
    }

    /// <summary>
    /// Translates the rest of a packet's way, or a list of actions that control gives (OVS <c>xlate_resume</c>, <c>ofproto_packet_out</c>): from <paramref name="state"/>, whatever the key's recirculation id.
    /// </summary>
    internal void Resume(FrozenState state, ref FlowKey key, int packetLengthBytes, XlateResult result, long nowMs)
    {
        _resumed = state;
        try
        {
            Translate(ref key, packetLengthBytes, result, nowMs);
        }
        finally
        {
            _resumed = null;
        }
    }

    /// <summary>
    /// Translates a packet that is not there, to have it explained (OVS <c>ofproto_trace</c>): registers and metadata begin as in <paramref name="flow"/>.
    /// </summary>
    /// <param name="flow">The packet, with what the pipeline knows of it.</param>
    /// <param name="packetLengthBytes">Its length.</param>
    /// <param name="result">With <see cref="XlateResult.Steps"/>.</param>
    /// <param name="nowMs">Time.</param>
    /// <param name="actions">What runs in the place of table 0; null = table 0.</param>
    public void Explain(ref PipelineFlow flow, int packetLengthBytes, XlateResult result, long nowMs, IReadOnlyList<OfAction>? actions = null)
    {
        (_explained, _explainedOps) = (flow, actions is null ? null : XlateCompiler.Compile(actions));
        _isExplained = _context.IsOfBridge = true;
        _context.IsSilent = !Learns;
        try
        {
            Translate(ref flow.Key, packetLengthBytes, result, nowMs);
        }
        finally
        {
            _isExplained = _context.IsOfBridge = _context.IsSilent = false;
            _explainedOps = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _flow.Dispose();
        _saved.Dispose();
        _lookup.Dispose();
    }

    private void TranslateOnce(ref FlowKey key, XlateResult result, ref FlowKey assumed)
    {
        result.Reset();
        result.Bind(_recircs);
        result.TablesVersion = _context.Version;
        Begin(ref key);
        if (!Unsafe.IsNullRef(ref assumed)) _flow.Assume(ref assumed);
        if (Resume()) Finish();
        if (result.Steps is not null) (result.Final, result.FinalType) = (Seen(), _flow.Layers.Type);
        _tags.LeaveAbsentTagOut();
        if (result.Error is not null)
        {
            result.Truncate(0);
            result.SlowPath = false;
        }
        else
        {
            result.UnwrapTrailingClone();
        }
    }

    private void Begin(ref FlowKey key)
    {
        _flow.Begin(ref key);
        _context.Restart();
        _difference.IsTranslated = false;
        _labels.WasMpls = false;
        _conntrack.Begin();
        _freezer.Begin();
        _saved.Begin();
        _stack.Clear();
        _depth = _resubmits = _bucketDepth = 0;
        _tags.Begin();
        if (_isExplained) _flow.BeginMetadata(ref _explained);
        _actionSet.Clear();
    }

    /// <summary>Runs the packet from table 0, or from where its recirculation id says; false if that is unknown.</summary>
    private bool Resume()
    {
        if (_resumed is { } resumed)
        {
            if (!Enter(resumed)) return false;
            Run(resumed.Ops, isLast: true);
            return true;
        }

        uint recircId = _flow.Key.RecircId.Host;
        if (_explainedOps is { } ops && recircId == 0)
        {
            if (!_tunnels.Begin()) Run(ops, isLast: true);
            return true;
        }

        if (recircId == 0 && !_context.Ports.IsSingle && !_context.IsOfBridge)
        {
            Receive();
            return true;
        }

        if (recircId == 0)
        {
            _mirrors.OnEnter();
            bool ends = _tunnels.Begin();
            if (ends && _tunnels.IsCongested) Look();
            if (!ends && !_tunnels.TakeBfd() && !_bonds.TakeLacp()) LookupAndRun(0, isFirst: _context.Tables.Forwarding.IsPlain && _context.Ports.Tunnels is null && _context.Tables.Bfd.IsEmpty);
            return true;
        }

        FrozenState? state = _recircs.Find(recircId);
        if (state is null)
        {
            _context.Fail("No recirculation context", $"Recirculation context not found for ID {recircId:x}");
            return false;
        }

        if (!Enter(state)) return false;
        if (state.Ops.Length > 0) Run(state.Ops, isLast: true);
        else LookupAndRun(_context.Table);
        return true;
    }

    /// <summary>Goes on where something was put aside; false if the bridge is gone.</summary>
    private bool Enter(FrozenState state)
    {
        if (state.Bridge != _context.Pipeline)
        {
            if (!state.Bridge.Backer.Has(state.Bridge))
            {
                _context.Fail("No bridge", "the frozen bridge is gone");
                return false;
            }

            _context.Enter(state.Bridge);
        }

        _freezer.Thaw(state);
        return true;
    }

    private void Finish()
    {
        if (_context.Out.Error is not null) return;
        if (!_freezer.IsFreezing) RunActionSet();
        if (_freezer.IsFreezing) _freezer.Finish();
    }
}
