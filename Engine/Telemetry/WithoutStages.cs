namespace Mergeflow.Engine;

/// <summary>The packet path as it ships.</summary>
internal readonly struct WithoutStages : IStageMarks
{
    /// <inheritdoc/>
    public static bool IsOn => false;
}
