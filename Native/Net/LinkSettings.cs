namespace Mergeflow.Native;

/// <summary>A link as its driver describes it (Linux <c>struct ethtool_cmd</c>); sets have the bits of <c>SUPPORTED_*</c>.</summary>
/// <param name="Supported">What it could be.</param>
/// <param name="Advertised">What it says it can.</param>
/// <param name="Peer">What the other end says.</param>
/// <param name="Megabits">Per second; 0 = unknown.</param>
/// <param name="IsFullDuplex">Both ends may send at once.</param>
/// <param name="Connector"><c>PORT_TP</c> 0, <c>PORT_FIBRE</c> 3, ...</param>
/// <param name="Negotiates">Speed is agreed on.</param>
public readonly record struct LinkSettings(uint Supported, uint Advertised, uint Peer, uint Megabits, bool IsFullDuplex, byte Connector, bool Negotiates);
