namespace Mergeflow.Engine.OpenFlow;

/// <summary>An address that <c>normal</c> learns or looks up.</summary>
/// <param name="Mac">Ethernet address.</param>
/// <param name="Vid">VLAN, 0 for none.</param>
public readonly record struct MacKey(ulong Mac, ushort Vid);
