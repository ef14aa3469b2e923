namespace Mergeflow.Engine.Telemetry;

/// <summary>The packet path that marks its stages.</summary>
internal readonly struct WithStages : IStageMarks
{
    /// <inheritdoc/>
    public static bool IsOn => true;
}
