using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Offload;

/// <summary>Answers for people: what is offloaded, and why not the rest.</summary>
public sealed partial class OffloadThread
{
    private const int GraveyardCapacity = 256;
    private readonly Queue<MergedFlow> _graveyard = new();

    /// <summary>Rules that exist now (Installing, Active, Dying), in no order. A copy.</summary>
    public IReadOnlyList<MergedFlow> Rules()
    {
        lock (_gate)
        {
            HandleRevocations();
            return [.. _rules];
        }
    }

    /// <summary>The latest rules that are gone, oldest first. A copy.</summary>
    public IReadOnlyList<MergedFlow> DeadRules()
    {
        lock (_gate) return [.. _graveyard];
    }

    /// <summary>Rules per state.</summary>
    public IReadOnlyDictionary<MergedFlowState, int> CountByState()
    {
        lock (_gate)
        {
            HandleRevocations();
            return _rules.GroupBy(static r => r.State).ToDictionary(static g => g.Key, static g => g.Count());
        }
    }

    /// <summary>The rules that depend on a megaflow.</summary>
    public IReadOnlyList<MergedFlow> RulesOf(int megaflowId)
    {
        lock (_gate)
        {
            HandleRevocations();
            List<MergedFlow> found = [];
            _dependencies.Collect(DependencyIndex.OfMegaflow(megaflowId), found);
            return found;
        }
    }

    /// <summary>
    /// What becomes of a header: rules that match it, and refusals of its 5-tuple, latest first. Fields that are zero in
    /// <paramref name="key"/> and absent from a rule's mask do not matter.
    /// </summary>
    public OffloadExplanation Explain(FlowKey key)
    {
        lock (_gate)
        {
            HandleRevocations();
            List<MergedFlow> live = [.. _rules.Where(r => MatchesTuple(r, ref key))];
            List<MergedFlow> dead = [.. _graveyard.Where(r => MatchesTuple(r, ref key))];
            List<Refusal> refusals = [.. Refusals.All().Concat(_pmd.Refusals.All()).Where(r => SameTuple(ref r.Key, ref key)).OrderByDescending(static r => r.AtMs)];
            return new OffloadExplanation(live, dead, refusals);
        }
    }

    /// <summary>All refusals by reason: this thread's and the packet thread's.</summary>
    public ReasonTotals RefusedTotals()
    {
        ReasonTotals sum = new();
        lock (_gate)
        {
            sum.Add(Stats.Refused);
            sum.Add(_pmd.Refused);
            return sum;
        }
    }

    private static bool MatchesTuple(MergedFlow rule, ref FlowKey key)
    {
        FlowKey mask = rule.Mask;
        if (key.InPort.Raw == 0) mask.InPort = default;
        FlowKey tuple = default;
        tuple.InPort = mask.InPort;
        tuple.DlType = mask.DlType;
        tuple.NwProto = mask.NwProto;
        tuple.NwSrc = mask.NwSrc;
        tuple.NwDst = mask.NwDst;
        tuple.TpSrc = mask.TpSrc;
        tuple.TpDst = mask.TpDst;
        tuple.Ipv6Src = mask.Ipv6Src;
        tuple.Ipv6Dst = mask.Ipv6Dst;
        FlowKey value = default;
        FlowKey.And(ref rule.Value, ref tuple, ref value);
        return FlowKey.Matches(ref key, ref tuple, ref value);
    }

    private static bool SameTuple(ref FlowKey a, ref FlowKey b)
        => a.NwProto == b.NwProto && a.NwSrc == b.NwSrc && a.NwDst == b.NwDst && a.TpSrc == b.TpSrc && a.TpDst == b.TpDst
        && a.Ipv6Src == b.Ipv6Src && a.Ipv6Dst == b.Ipv6Dst;

    private void Bury(MergedFlow rule)
    {
        if (_graveyard.Count == GraveyardCapacity) _graveyard.Dequeue();
        _graveyard.Enqueue(rule);
    }
}
