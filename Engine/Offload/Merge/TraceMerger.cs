using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// Turns a trace into one rule by executing the recorded programs again on a symbolic header, in the order in which they ran: a
/// <c>recirc</c> runs the next recorded pass at once, then the list goes on with the packet as it was.
/// </summary>
/// <remarks>
/// Soundness: for every header h with <c>h &amp; mask == value</c>, software at the same epoch visits the same megaflows and connections and
/// emits the same packets on the same ports. Hence two merged rules that both match a header agree, and no priorities are needed.
/// One instance belongs to one thread; it allocates only what the finished rule keeps.
/// </remarks>
public sealed unsafe partial class TraceMerger : ITraceMerger
{
    /// <summary>Most outputs of one rule.</summary>
    public const int MaxOutputs = 64;

    private readonly IMegaflowSource _source;
    private readonly Transposition _transposition = new();
    private readonly List<DpAction> _pushes = [];
    private OutputSnapshot[] _outputs = new OutputSnapshot[4];
    private readonly MergedPass[] _passes = new MergedPass[Trace.MaxPasses];
    private readonly MergedConn[] _conns = new MergedConn[Trace.MaxEvents];

    private Trace _trace = new();
    private FlowKey _mask;
    private int _outputCount;
    private int _pass;
    private int _currentPass;
    private int _event;
    private int _passCount;
    private int _connCount;
    private bool _exact;
    private DpAction? _takesOff;
    private MergeRefusal _refusal;

    /// <summary>A merger that reads programs from <paramref name="source"/>.</summary>
    public TraceMerger(IMegaflowSource source) => _source = source;

    /// <summary>Encapsulations become part of rules: for devices that put outer headers on.</summary>
    public bool MergesTunnels { get; init; }

    /// <inheritdoc/>
    public MergeRefusal Refusal => _refusal;

    /// <inheritdoc/>
    public bool TryMerge(Trace trace, MergedFlow rule)
    {
        Begin(trace);
        if (trace.Reason != OffloadReason.None)
        {
            _refusal = new MergeRefusal(trace.Reason, trace.ReasonPass, trace.ReasonDetail ?? "recording");
            return false;
        }

        SymbolicHeader.Init(out SymbolicHeader header, ref trace.OriginalKey, trace.IsTunnelled);
        _mask.InPort = new Be32(~0u);
        if (!RunPass(ref header)) return false;
        if (_pass != trace.PassCount) return Refuse(OffloadReason.BrokenTrace, "more passes than recirculations");
        if (_event != trace.EventCount) return Refuse(OffloadReason.BrokenTrace, "more events than actions");
        if (_takesOff is not null != trace.EndsInTunnel || (_takesOff is not null && _outputCount > 0)) return Refuse(OffloadReason.UnsupportedAction, "tnl_pop");
        ReadOnlySpan<OutputSnapshot> outputs = _outputs.AsSpan(0, _outputCount);
        if (!_transposition.TryEmit(ref trace.OriginalKey, ref _mask, outputs, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_pushes)))
        {
            return Refuse(OffloadReason.OutputRestore, "rewrite cannot be expressed");
        }

        Finish(rule, outputs);
        return true;
    }

    private void Begin(Trace trace)
    {
        _trace = trace;
        _mask = default;
        _outputCount = _pass = _currentPass = _event = _passCount = _connCount = 0;
        _exact = false;
        _takesOff = null;
        _refusal = default;
        _pushes.Clear();
    }

    private void Finish(MergedFlow rule, ReadOnlySpan<OutputSnapshot> outputs)
    {
        rule.Mask = _mask;
        FlowKey.And(ref _trace.OriginalKey, ref _mask, ref rule.Value);
        rule.Program = _takesOff is { } pop ? MergedFlowPool.Kept(rule.Program, [pop]) : MergedFlowPool.Kept(rule.Program, _transposition.Program);
        (rule.IsInside, rule.TakesOff) = (_trace.IsTunnelled, _takesOff is not null);
        rule.Passes = MergedFlowPool.Kept(rule.Passes, _passes.AsSpan(0, _passCount));
        rule.Conns = MergedFlowPool.Kept(rule.Conns, _conns.AsSpan(0, _connCount));
        rule.PassCount = _pass;
        rule.RequiresCsum = _connCount > 0;
        rule.IsExact = _exact;
        Span<uint> ports = stackalloc uint[(2 * MaxOutputs) + 1];
        ports[0] = _trace.OriginalKey.InPort.Host;
        int count = 1;
        if (_takesOff is { } inner) ports[count++] = inner.Port;
        foreach (ref readonly OutputSnapshot o in outputs)
        {
            if (!ports[..count].Contains(o.Port)) ports[count++] = o.Port;
            if (o.Header.Push != 0 && _pushes[o.Header.Push - 1].CountedPort is var tunnel && !ports[..count].Contains(tunnel)) ports[count++] = tunnel;
        }

        rule.Ports = MergedFlowPool.Kept(rule.Ports, ports[..count]);
    }

    private bool RunPass(ref SymbolicHeader header)
    {
        int index = _pass;
        if (index >= _trace.PassCount) return Refuse(OffloadReason.BrokenTrace, "fewer passes than recirculations");
        _pass++;
        int outer = _currentPass;
        _currentPass = index;
        TracePass pass = _trace.Passes[index];
        Megaflow? megaflow = _source.Find(pass.MegaflowId);
        if (megaflow is null || megaflow.Dead || megaflow.Generation != pass.Generation || megaflow.Hot == null)
        {
            return Refuse(OffloadReason.StaleTrace, "megaflow changed");
        }

        if (megaflow.FromSlowPath) return Refuse(OffloadReason.MegaflowFromSlowPath, "slow path");
        if (pass.LengthBytes - _trace.OriginalLengthBytes != header.LengthDeltaBytes) return Refuse(OffloadReason.BrokenTrace, "length");
        if (!Match(ref header, ref megaflow.Mask, ref megaflow.Value)) return false;
        if (megaflow.TagIsOpen) return Refuse(OffloadReason.UnsupportedMatch, "tag of overlapping megaflows");
        if (megaflow.TagsOverlap && !PinSecondTag(ref header)) return false;
        AddPass(pass, header.LengthDeltaBytes);
        if (!Run(ref header, megaflow.Hot->Actions, megaflow.Hot->ActionCount)) return false;
        _currentPass = outer;
        return true;
    }

    /// <summary>The packet matched here: every consulted bit is either known or becomes part of the merged mask.</summary>
    private bool Match(ref SymbolicHeader header, ref FlowKey mask, ref FlowKey value)
    {
        FlowKey wrong = default;
        for (int i = 0; i < FlowKey.LaneCount; i++)
        {
            FlowKey.Lane(ref wrong, i) = (FlowKey.Lane(ref header.Current, i) & FlowKey.Lane(ref mask, i)) ^ FlowKey.Lane(ref value, i);
        }

        if (header.CtTupleOpaque) KeyBits.AndNot(ref wrong, ref KeyMasks.CtTuple, ref wrong);
        if (!PullBack(ref header, ref mask)) return false;
        return KeyBits.IsZero(ref wrong) || Refuse(OffloadReason.BrokenTrace, KeyBits.FieldName(ref wrong));
    }

    private bool PullBack(ref SymbolicHeader header, ref FlowKey mask)
        => header.PullBack(ref mask, ref _mask) || Refuse(OffloadReason.FunctionBits, KeyBits.FieldName(ref mask));

    /// <summary>
    /// Of the megaflows that match a double-tagged packet software takes the one whose mask is older; a merged rule has no age. So it is for
    /// packets without a second tag only, for which the megaflows agree.
    /// </summary>
    private bool PinSecondTag(ref SymbolicHeader header)
    {
        if ((header.Current.Vlan1Tci.Host & KeyMasks.VlanPresent) != 0) return Refuse(OffloadReason.UnsupportedMatch, "second tag of overlapping megaflows");
        return PinTag(ref header, inner: true);
    }

    private bool Run(ref SymbolicHeader header, DpAction* actions, int count)
    {
        for (int i = 0; i < count; i++)
        {
            ref DpAction a = ref actions[i];

            // Behind an encapsulation the packet is another one: it only leaves.
            if (header.Push != 0 && a.Op is not (DpOp.Output or DpOp.Drop)) return Refuse(OffloadReason.UnsupportedAction, NameOf(a.Op));
            switch (a.Op)
            {
                case DpOp.Output:
                    if (!AddOutput(a.Port, ref header)) return false;
                    break;
                case DpOp.Recirc:
                    {
                        SymbolicHeader copy = header;
                        copy.Current.RecircId = Be32.FromHost(a.RecircId);
                        if (!RunPass(ref copy)) return false;
                        break;
                    }

                case DpOp.Clone:
                    {
                        SymbolicHeader copy = header;
                        if (i + a.NestedCount >= count) return Refuse(OffloadReason.BrokenTrace, "clone");
                        if (!Run(ref copy, actions + i + 1, a.NestedCount)) return false;
                        i += a.NestedCount;
                        break;
                    }

                case DpOp.Drop:
                    return true;
                case DpOp.TnlPush when MergesTunnels:
                    _pushes.Add(a);
                    header.Push = _pushes.Count;
                    break;
                case DpOp.TnlPop:
                    return TakeOff(ref header, ref a);
                case DpOp.Ct:
                    if (!Ct(ref header, ref a.Ct)) return false;
                    break;
                case DpOp.CtClear:
                    ClearCt(ref header);
                    break;
                case DpOp.Hash:
                    if (!Hash(ref header, a.Hash.Algorithm)) return false;
                    break;
                default:
                    if (!Rewrite(ref header, ref a)) return false;
                    break;
            }
        }

        return true;
    }

    /// <summary>The packet as it came loses its outer headers.</summary>
    private bool TakeOff(ref SymbolicHeader header, ref DpAction pop)
    {
        FlowKey written = default;
        KeyBits.AndNot(ref header.Constant, ref KeyMasks.Metadata, ref written);
        bool isAsItCame = KeyBits.IsZero(ref written) && header.LengthDeltaBytes == 0 && header.Vlan.Pops + header.Vlan.Pushes + header.Mpls.Pops + header.Mpls.Pushes == 0 && header.Vlan.SetMask == 0 && header.Mpls.SetMask == 0;
        if (!isAsItCame || _takesOff is not null) return Refuse(OffloadReason.UnsupportedAction, "tnl_pop");
        _takesOff = pop;
        return true;
    }

    private bool AddOutput(uint port, ref SymbolicHeader header)
    {
        if (_outputCount == MaxOutputs) return Refuse(OffloadReason.UnsupportedAction, "too many outputs");
        if (_outputCount == _outputs.Length) Array.Resize(ref _outputs, _outputs.Length * 2);
        _outputs[_outputCount].Port = port;
        _outputs[_outputCount++].Header = header;
        return true;
    }

    private void AddPass(TracePass pass, int lengthDeltaBytes)
    {
        for (int i = 0; i < _passCount; i++)
        {
            ref MergedPass p = ref _passes[i];
            if (p.MegaflowId != pass.MegaflowId) continue;
            p.Multiplicity++;
            p.LengthDeltaBytes += lengthDeltaBytes;
            return;
        }

        _passes[_passCount++] = new MergedPass
        {
            MegaflowId = pass.MegaflowId,
            Generation = pass.Generation,
            Multiplicity = 1,
            LengthDeltaBytes = lengthDeltaBytes,
        };
    }

    private bool Refuse(OffloadReason reason, string detail)
    {
        _refusal = new MergeRefusal(reason, _currentPass, detail);
        return false;
    }
}
