namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>note:hex</c>: no effect.</summary>
public sealed record OfNote(string Hex) : OfAction;
