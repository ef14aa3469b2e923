namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>resubmit([port],[table][,ct])</c>; null keeps the current port or table.</summary>
public sealed record OfResubmit(uint? InPort, byte? Table, bool WithCtTuple = false) : OfAction;
