namespace Mergeflow.Engine;

/// <summary><c>pop:FIELD[..]</c>.</summary>
public sealed record OfStackPop(Subfield Destination) : OfAction;
