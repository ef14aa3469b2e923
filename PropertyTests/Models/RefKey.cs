namespace Mergeflow.PropertyTests;

/// <summary>The tuple of one direction of a connection in a zone.</summary>
internal readonly record struct RefKey(int Zone, bool IsIpv6, byte Proto, RefEndpoint Src, RefEndpoint Dst)
{
    public RefKey Reverse() => this with { Src = Dst, Dst = Src };

    public bool HasPorts => Proto is 6 or 17;
}
