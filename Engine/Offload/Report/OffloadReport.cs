using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Ledger;
using Mergeflow.Native;

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
    private readonly List<MergedFlow> _found = [];
    private IPacketFates? _fates;

    internal OffloadReport(OffloadThread thread, RuleRegistry registry, RuleLedger ledger)
        => (_thread, _registry, _ledger) = (thread, registry, ledger);

    /// <summary>Latest refusals per flow by the offload thread; those of the packet threads are in <see cref="PmdOffload.Refusals"/>.</summary>
    public RefusalLog Refusals { get; } = new();

    /// <summary>Is told of every packet that no rule took; null = nobody asks.</summary>
    public IPacketFates? Fates
    {
        get => _fates;
        set
        {
            _fates = value;
            foreach (PmdOffload pmd in _thread.Pmds) pmd.Fates = value;
        }
    }

    /// <summary>The counters of the offload thread.</summary>
    internal OffloadStats Stats => _thread.Stats;

    /// <summary>What became of the packets received; settle first.</summary>
    /// <param name="received">Packets and bytes that were handed in, to software and to the device.</param>
    public OffloadShares Shares(BookTotals received) => OffloadShares.Of(this, received);

    /// <summary>Rules that exist now (Installing, Active, Dying), in no order.</summary>
    public IReadOnlyList<MergedFlow> Rules()
    {
        using (_thread.LookIn()) return Shown(_registry.Rules);
    }

    /// <summary>The latest rules that are gone, oldest first.</summary>
    public IReadOnlyList<MergedFlow> DeadRules()
    {
        using (_thread.LookIn()) return Shown(_graveyard);
    }

    /// <summary>The rules that depend on a megaflow.</summary>
    public IReadOnlyList<MergedFlow> RulesOf(int megaflowId)
    {
        using (_thread.LookIn())
        {
            List<MergedFlow> found = [];
            _registry.CollectDependents(DependencyIndex.OfMegaflow(megaflowId), found);
            return Shown(found);
        }
    }

    /// <summary>Some rule that depends on a megaflow is in use.</summary>
    public bool HasActiveRule(int megaflowId)
    {
        using (_thread.LookIn())
        {
            _found.Clear();
            _registry.CollectDependents(DependencyIndex.OfMegaflow(megaflowId), _found);
            bool any = _found.Exists(static r => r.State == MergedFlowState.Active);
            _found.Clear();
            return any;
        }
    }

    /// <summary>
    /// What becomes of a header: rules that match it, and refusals of its 5-tuple, latest first. Fields that are zero in
    /// <paramref name="key"/> and absent from a rule's mask do not matter.
    /// </summary>
    public OffloadExplanation Explain(FlowKey key) => Explain(key, TupleOf(ref key));

    /// <summary>The same for all headers that a match takes: rules that may match one of them.</summary>
    /// <param name="value">Fields.</param>
    /// <param name="mask">Bits that count.</param>
    public OffloadExplanation Explain(FlowKey value, FlowKey mask)
    {
        using (_thread.LookIn())
        {
            MergedFlow[] live = Shown(_registry.Rules.Where(r => MayMatch(r, ref value, ref mask)));
            MergedFlow[] dead = Shown(_graveyard.Where(r => MayMatch(r, ref value, ref mask)));
            List<Refusal> refusals = [.. Refusals.All().Concat(_thread.Pmds.SelectMany(static p => p.Refusals.All())).Where(r => Takes(ref value, ref mask, ref r.Key)).OrderByDescending(static r => r.AtMs)];
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

    /// <summary>Whoever asks keeps these for as long as he likes: they become no other rules.</summary>
    private static MergedFlow[] Shown(IEnumerable<MergedFlow> rules)
    {
        MergedFlow[] shown = [.. rules];
        foreach (MergedFlow rule in shown) rule.IsShown = true;
        return shown;
    }

    /// <summary>The 5-tuple, with the port if the key has one.</summary>
    private static FlowKey TupleOf(ref FlowKey key)
    {
        FlowKey tuple = default;
        if (key.InPort.Raw != 0) tuple.InPort = new Be32(uint.MaxValue);
        if (key.DlType.Raw != 0) tuple.DlType = new Be16(ushort.MaxValue);
        tuple.NwProto = byte.MaxValue;
        tuple.NwSrc = tuple.NwDst = new Be32(uint.MaxValue);
        tuple.TpSrc = tuple.TpDst = new Be16(ushort.MaxValue);
        tuple.Ipv6Src = tuple.Ipv6Dst = Ipv6Address.FromUInt128(UInt128.MaxValue);
        return tuple;
    }

    /// <summary>Do they agree where both look?</summary>
    private static bool MayMatch(MergedFlow rule, ref FlowKey value, ref FlowKey mask)
    {
        FlowKey both = default;
        FlowKey.And(ref rule.Mask, ref mask, ref both);
        return Takes(ref value, ref both, ref rule.Value);
    }

    private static bool Takes(ref FlowKey value, ref FlowKey mask, ref FlowKey key)
    {
        FlowKey wanted = default;
        FlowKey.And(ref value, ref mask, ref wanted);
        return FlowKey.Matches(ref key, ref mask, ref wanted);
    }
}
