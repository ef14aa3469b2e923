namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>clone(..)</c>: the inner actions work on a copy.</summary>
public sealed record OfClone(EquatableList<OfAction> Actions) : OfAction;
