namespace Mergeflow.Engine;

/// <summary><c>write_metadata:V[/M]</c>.</summary>
public sealed record OfWriteMetadata(ulong Value, ulong Mask) : OfAction;
