namespace Mergeflow.Perf;

/// <summary>Exit codes; 64 and 65 are BSD's <c>EX_USAGE</c> and <c>EX_DATAERR</c>.</summary>
public static class PerfExitCode
{
    /// <summary>Done; with a baseline: the same or better.</summary>
    public const int Ok = 0;

    /// <summary>Failed, or slower than the baseline, or the offload modes disagree.</summary>
    public const int Failed = 1;

    /// <summary>With a baseline: too much noise to tell.</summary>
    public const int TooNoisy = 2;

    /// <summary>The rules need a feature that is not there.</summary>
    public const int MissingFeature = 3;

    /// <summary>Unknown option or name, wrong value.</summary>
    public const int Usage = 64;

    /// <summary>Input that cannot be understood.</summary>
    public const int BadInput = 65;

    /// <summary>Ended by Ctrl-C or SIGTERM.</summary>
    public const int Interrupted = 130;
}
