namespace Mergeflow.Engine.OpenFlow;

/// <content>Lookup with the least unwildcarding.</content>
internal sealed unsafe partial class TableIndex
{
    /// <summary>
    /// The rule that the flow matches, or null. Adds every bit the answer depends on to the view: the winner's mask, and for each rule that
    /// would have come first enough bits to see that it does not match.
    /// </summary>
    /// <param name="view">The flow.</param>
    /// <param name="scratch">Work space.</param>
    /// <param name="staged">Read as much as Open vSwitch, whatever <see cref="IsStaged"/> says.</param>
    public OfRule? Lookup(FlowView view, LookupScratch scratch, bool staged = false)
    {
        if (staged || IsStaged) return HasConjunctions ? Staged.LookupConjunctive(view) : Staged.Lookup(view);
        if (HasConjunctions) return LookupConjunctive(view, scratch);
        if (_isFlat) return LookupFlat(Flat, view, scratch);
        Subtable? home = FindBest(view.Flow, out OfRule? rule);
        if (home is not null) Consult(home, view);
        Exclude(view, rule?.Precedence ?? ulong.MaxValue, home, scratch);
        return rule;
    }

    private OfRule? LookupFlat(FlatRules flat, FlowView view, LookupScratch scratch)
    {
        scratch.Begin(WordsPointer, _words.Length);
        int best = flat.Find(view, Count, scratch);
        _work.RulesCompared += (ulong)Math.Min(best + 1, Count);
        scratch.Decide(view);
        return best < Count ? InOrder[best] : null;
    }

    private static void Consult(Subtable subtable, FlowView view)
    {
        SubtableShape s = subtable.Shape;
        int n = s.WordCount;
        int* words = s.Words;
        ulong* masks = s.Masks;
        for (int i = 0; i < n; i++) view.Consulted[words[i]] |= masks[i] & view.Live[words[i]];
    }
}
