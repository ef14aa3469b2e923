namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>write_metadata:V[/M]</c>.</summary>
public sealed record OfWriteMetadata(ulong Value, ulong Mask) : OfAction;
