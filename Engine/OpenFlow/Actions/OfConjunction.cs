namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>conjunction(id, k/n)</c>; <paramref name="Clause"/> counts from 0.</summary>
public sealed record OfConjunction(uint Id, byte Clause, byte ClauseCount) : OfAction;
