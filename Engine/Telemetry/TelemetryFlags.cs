namespace Mergeflow.Engine.Telemetry;

/// <summary>
/// What the packet path reads before it reports anything: plain static fields of a type without a static constructor, so that a read is one
/// load and one predictable branch. Written when a listener comes or goes.
/// </summary>
internal static class TelemetryFlags
{
    /// <summary>Someone listens to <see cref="MergeflowEventSource.Batch"/>.</summary>
    internal static bool Batches;
}
