namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>meter:N</c>.</summary>
public sealed record OfMeter(uint MeterId) : OfAction;
