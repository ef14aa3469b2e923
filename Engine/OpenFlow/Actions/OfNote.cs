namespace Mergeflow.Engine;

/// <summary><c>note:hex</c>: no effect.</summary>
public sealed record OfNote(string Hex) : OfAction;
