namespace Mergeflow.Control.OpenFlow;

/// <summary>One OpenFlow message without its header. Two that say the same are equal.</summary>
public abstract record OfMessage
{
    /// <summary>What it is for.</summary>
    public OfKind Kind { get; init; }

    /// <summary>Transaction: an answer has that of its question.</summary>
    public uint Xid { get; init; }

    /// <summary>In the form of Nicira's, where the version has one of its own too.</summary>
    public bool IsNicira { get; init; }

    /// <summary>Multipart: more of the same answer follow (<c>OFPMPF_MORE</c>).</summary>
    public bool HasMore { get; init; }

    /// <summary>Reads or writes the body.</summary>
    internal abstract void Exchange(ref OfWire wire);
}

/// <summary>A message that says all by its kind.</summary>
public sealed record OfEmpty : OfMessage
{
    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        // No body.
    }
}

/// <summary>A message whose body is not looked into: what is asked for with it is not there.</summary>
public sealed record OfOpaque : OfMessage
{
    /// <summary>The body.</summary>
    public OfBytes Body = OfBytes.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire) => wire.Rest(ref Body);
}
