namespace Mergeflow.Control.Bridges;

/// <summary>A port with addresses, at which tunnels of bridges in the same datapath begin and end.</summary>
/// <param name="By">Bridge that has the port.</param>
/// <param name="Port">Its OpenFlow number.</param>
/// <param name="Device">Number of its device; a port without a device has a negative one.</param>
internal sealed record UnderlayPlace(LiveBridge By, uint Port, int Device);
