namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>drop</c>: an empty action list that was written out.</summary>
public sealed record OfDrop : OfAction;
