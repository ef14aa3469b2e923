namespace Mergeflow.Engine.OpenFlow;

/// <summary>What a bond has sent by each bucket: each stands in for a rule that its packets go through, so they are counted wherever those of rules are, in merged rules too.</summary>
public sealed class BondCounters
{
    /// <summary>One for each bucket.</summary>
    internal OfRule[] Counted { get; } = [.. Enumerable.Range(0, BondPlan.BucketCount).Select(static _ => new OfRule(default) { Table = 255, Priority = 0, Cookie = 0, Actions = EquatableList<OfAction>.Empty })];

    /// <summary>Bytes of a bucket.</summary>
    public ulong BytesOf(int bucket) => Counted[bucket].Bytes;
}
