namespace Mergeflow.Cli;

/// <summary>Exit codes of the binary; 64 is BSD's <c>EX_USAGE</c>.</summary>
public static class ExitCode
{
    /// <summary>The command did what it was asked to.</summary>
    public const int Ok = 0;

    /// <summary>It failed: a missing file, an output that cannot be written, a regression.</summary>
    public const int Failed = 1;

    /// <summary>The input text or capture cannot be parsed.</summary>
    public const int BadInput = 2;

    /// <summary>The input needs a feature that is not there.</summary>
    public const int MissingFeature = 3;

    /// <summary>Nothing in the input is what was asked about.</summary>
    public const int NotSeen = 4;

    /// <summary>Unknown option, wrong value, missing argument.</summary>
    public const int Usage = 64;

    /// <summary>Ended by Ctrl-C or SIGTERM (128 + SIGINT, as shells count).</summary>
    public const int Interrupted = 130;

    /// <summary>A replay whose output is whole: failed all the same if a thread of the switch failed on the way.</summary>
    public static int Of(SimulatorReport report) => report.OffloadFailures > 0 ? Failed : Ok;
}
