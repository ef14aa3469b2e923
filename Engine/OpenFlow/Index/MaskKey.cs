namespace Mergeflow.Engine.OpenFlow;

/// <summary>A rule's mask as a dictionary key.</summary>
internal readonly struct MaskKey : IEquatable<MaskKey>
{
    private readonly OfRule _rule;
    private readonly int _hash;

    public MaskKey(OfRule rule)
    {
        _rule = rule;
        HashCode h = default;
        h.AddBytes(rule.Match.Mask.Bytes);
        _hash = h.ToHashCode();
    }

    public bool Equals(MaskKey other) => _rule.Match.Mask.Bytes.SequenceEqual(other._rule.Match.Mask.Bytes);

    public override bool Equals(object? obj) => obj is MaskKey k && Equals(k);

    public override int GetHashCode() => _hash;
}
