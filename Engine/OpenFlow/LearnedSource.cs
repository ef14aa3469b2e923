namespace Mergeflow.Engine.OpenFlow;

/// <summary>A source address that <c>normal</c> learns from every packet of a megaflow (OVS <c>XC_NORMAL</c>).</summary>
/// <param name="Mac">Ethernet address.</param>
/// <param name="Vid">VLAN it was seen in, 0 for none.</param>
/// <param name="Port">Port it came from, as the rules saw it.</param>
public readonly record struct LearnedSource(ulong Mac, ushort Vid, uint Port);
