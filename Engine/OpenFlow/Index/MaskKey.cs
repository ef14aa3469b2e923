using Mergeflow.Engine.Keys;

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
        h.AddBytes(PipelineFlow.BytesOf(in rule.Match.Mask));
        _hash = h.ToHashCode();
    }

    public bool Equals(MaskKey other) => PipelineFlow.BytesOf(in _rule.Match.Mask).SequenceEqual(PipelineFlow.BytesOf(in other._rule.Match.Mask));

    public override bool Equals(object? obj) => obj is MaskKey k && Equals(k);

    public override int GetHashCode() => _hash;
}
