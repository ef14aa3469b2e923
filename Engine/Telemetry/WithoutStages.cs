namespace Mergeflow.Engine.Telemetry;

/// <summary>The packet path as it ships.</summary>
internal readonly struct WithoutStages : IStageMarks
{
    /// <inheritdoc/>
    public static bool IsOn => false;
}
