using Mergeflow.Engine.Ports;

namespace Mergeflow.Control.Bridges;

/// <summary>The way of encapsulated packets from a bridge with tunnels to the bridge whose port has the address below, and back. Both may be the same bridge.</summary>
/// <param name="Of">Bridge with the tunnels.</param>
/// <param name="By">Bridge with the port.</param>
/// <param name="Port">That port.</param>
/// <param name="Device">Number of its device.</param>
internal sealed record UnderlayLink(LiveBridge Of, LiveBridge By, uint Port, int Device)
{
    /// <summary>End at the bridge with the tunnels.</summary>
    public required PatchPort Upper { get; init; }

    /// <summary>End at the bridge below: what comes by it seems to come from <see cref="Port"/>.</summary>
    public required PatchPort Lower { get; init; }
}
