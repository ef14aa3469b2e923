using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// What the offload side says of itself: what is offloaded, why not the rest, what hardware owes the books. Answers are copies, of a moment in which no
/// revocation waits; they may be asked for from any thread. The other half, what there is to say, comes from the offload thread (<c>.Record</c>).
/// </summary>
public sealed partial class OffloadReport
{
    private readonly OffloadThread _thread;
    private readonly RuleRegistry _registry;
    private readonly RuleLedger _ledger;

    internal OffloadReport(OffloadThread thread, RuleRegistry registry, RuleLedger ledger)
        => (_thread, _registry, _ledger) = (thread, registry, ledger);

    /// <summary>Latest refusals per flow by the offload thread; those of the packet threads are in <see cref="PmdOffload.Refusals"/>.</summary>
    public RefusalLog Refusals { get; } = new();

    /// <summary>Rules that exist now (Installing, Active, Dying), in no order.</summary>
    public IReadOnlyList<MergedFlow> Rules()
    {
        using (_thread.LookIn()) return [.. _registry.Rules];
    }

    /// <summary>The latest rules that are gone, oldest first.</summary>
    public IReadOnlyList<MergedFlow> DeadRules()
    {
        using (_thread.LookIn()) return [.. _graveyard];
    }

    /// <summary>The rules that depend on a megaflow.</summary>
    public IReadOnlyList<MergedFlow> RulesOf(int megaflowId)
    {
        using (_thread.LookIn())
        {
            List<MergedFlow> found = [];
            _registry.CollectDependents(DependencyIndex.OfMegaflow(megaflowId), found);
            return found;
        }
    }

    /// <summary>
    /// What becomes of a header: rules that match it, and refusals of its 5-tuple, latest first. Fields that are zero in
    /// <paramref name="key"/> and absent from a rule's mask do not matter.
    /// </summary>
    public OffloadExplanation Explain(FlowKey key)
    {
        using (_thread.LookIn())
        {
            List<MergedFlow> live = [.. _registry.Rules.Where(r => MatchesTuple(r, ref key))];
            List<MergedFlow> dead = [.. _graveyard.Where(r => MatchesTuple(r, ref key))];
            List<Refusal> refusals = [.. Refusals.All().Concat(_thread.Pmds.SelectMany(static p => p.Refusals.All())).Where(r => SameTuple(ref r.Key, ref key)).OrderByDescending(static r => r.AtMs)];
            return new OffloadExplanation(live, dead, refusals);
        }
    }

    /// <summary>All refusals by reason: the offload thread's and the packet threads'.</summary>
    public ReasonTotals RefusedTotals()
    {
        ReasonTotals sum = new();
        using (_thread.LookIn())
        {
            sum.Add(_thread.Stats.Refused);
            foreach (PmdOffload pmd in _thread.Pmds) sum.Add(pmd.Refused);
            return sum;
        }
    }

    /// <summary>What follows from all counters read so far; settle first.</summary>
    public OffloadDebts Debts()
    {
        using (_thread.LookIn()) return _ledger.Debts();
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
}
