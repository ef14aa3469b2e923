namespace Mergeflow.Engine;

/// <summary><c>push:FIELD[..]</c>.</summary>
public sealed record OfStackPush(Subfield Source) : OfAction;
