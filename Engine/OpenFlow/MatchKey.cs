using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>Priority and match as a dictionary key: what makes a rule the same rule (OpenFlow: strict).</summary>
internal readonly struct MatchKey : IEquatable<MatchKey>
{
    private readonly object _holder;
    private readonly int _hash;

    /// <summary>That of a rule.</summary>
    public MatchKey(OfRule rule) => (_holder, _hash) = (rule, rule.MatchHash);

    /// <summary>That of the rule which a modification names.</summary>
    public MatchKey(FlowMod mod) => (_holder, _hash) = (mod, HashOf(ref mod.Match));

    private ushort Priority => _holder is OfRule rule ? rule.Priority : ((FlowMod)_holder).Priority;

    private ref readonly Match Match
    {
        get
        {
            if (_holder is OfRule rule) return ref rule.Match;
            return ref ((FlowMod)_holder).Match;
        }
    }

    /// <summary>Hash of mask and value.</summary>
    public static int HashOf(ref readonly Match match)
    {
        HashCode h = default;
        h.AddBytes(PipelineFlow.BytesOf(in match.Mask));
        h.AddBytes(PipelineFlow.BytesOf(in match.Value));
        return h.ToHashCode();
    }

    public bool Equals(MatchKey other) => _hash == other._hash && Priority == other.Priority && OpenFlow.Match.Same(in Match, in other.Match);

    public override bool Equals(object? obj) => obj is MatchKey k && Equals(k);

    public override int GetHashCode() => HashCode.Combine(_hash, Priority);
}
