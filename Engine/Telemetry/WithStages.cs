namespace Mergeflow.Engine;

/// <summary>The packet path of <see cref="StagePoller"/>.</summary>
internal readonly struct WithStages : IStageMarks
{
    /// <inheritdoc/>
    public static bool IsOn => true;
}
