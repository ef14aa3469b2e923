namespace Mergeflow.Engine.Keys;

/// <summary>A flow key as a dictionary key: compared and hashed by its bytes.</summary>
public sealed class FlowKeyHolder : IEquatable<FlowKeyHolder>
{
    private FlowKey _key;

    /// <summary>Copies <paramref name="key"/>.</summary>
    public FlowKeyHolder(ref FlowKey key) => _key = key;

    /// <summary>Another key, in place: for a holder that only asks and is in no dictionary.</summary>
    public FlowKeyHolder Ask(ref FlowKey key)
    {
        _key = key;
        return this;
    }

    public bool Equals(FlowKeyHolder? other) => other is not null && _key.Bytes.SequenceEqual(other._key.Bytes);

    public override bool Equals(object? obj) => Equals(obj as FlowKeyHolder);

    public override int GetHashCode()
    {
        HashCode h = default;
        h.AddBytes(_key.Bytes);
        return h.ToHashCode();
    }
}
