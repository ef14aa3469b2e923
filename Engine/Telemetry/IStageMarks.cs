namespace Mergeflow.Engine.Telemetry;

/// <summary>Whether an instance of the packet path reads the clock between its stages: a type argument, so that the compiler leaves nothing of it where it is off.</summary>
internal interface IStageMarks
{
    /// <summary>A constant.</summary>
    static abstract bool IsOn { get; }
}

/// <summary>The packet path that marks its stages.</summary>
internal readonly struct WithStages : IStageMarks
{
    /// <inheritdoc/>
    public static bool IsOn => true;
}

/// <summary>The packet path as it ships.</summary>
internal readonly struct WithoutStages : IStageMarks
{
    /// <inheritdoc/>
    public static bool IsOn => false;
}
