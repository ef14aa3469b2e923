namespace Mergeflow.Cli;

/// <summary>Which of the processes of a switch in the background this is. They are told by <see cref="Variable"/>.</summary>
internal enum BackgroundStage
{
    /// <summary>The one that was typed.</summary>
    Launcher,

    /// <summary>Starts the switch again when it fails.</summary>
    Monitor,

    /// <summary>The switch.</summary>
    Worker,
}
