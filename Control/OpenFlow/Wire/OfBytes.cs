namespace Mergeflow.Control.OpenFlow;

/// <summary>Bytes that are equal if they say the same.</summary>
/// <param name="bytes">Not copied: nobody changes them.</param>
public readonly struct OfBytes(byte[] bytes) : IEquatable<OfBytes>
{
    /// <summary>None.</summary>
    public static readonly OfBytes Empty = new([]);

    /// <summary>The bytes.</summary>
    public ReadOnlySpan<byte> Span => bytes;

    /// <summary>How many.</summary>
    public int Count => bytes?.Length ?? 0;

    /// <inheritdoc/>
    public bool Equals(OfBytes other) => Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is OfBytes other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode h = default;
        h.AddBytes(Span);
        return h.ToHashCode();
    }

    /// <summary>Hexadecimal.</summary>
    public override string ToString() => Convert.ToHexStringLower(Span);
}
