namespace Mergeflow.Engine.OpenFlow;

/// <summary>Reserved output ports: <c>in_port</c>, <c>normal</c>, <c>flood</c>, <c>all</c>, <c>controller</c>, <c>local</c>, <c>table</c>.</summary>
public sealed record OfOutputSpecial(OfReservedPort Port, int MaxLengthBytes = 0) : OfAction;
