namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>write_actions(..)</c>.</summary>
public sealed record OfWriteActions(EquatableList<OfAction> Actions) : OfAction;
