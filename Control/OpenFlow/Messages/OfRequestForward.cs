namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_REQUESTFORWARD</c>: what another controller has done to groups or meters.</summary>
public sealed record OfRequestForward : OfMessage
{
    /// <summary>His message, in the version of this connection.</summary>
    public OfBytes Request = OfBytes.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire) => wire.Rest(ref Request);
}
