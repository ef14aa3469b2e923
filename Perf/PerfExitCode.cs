using Mergeflow.Cli;

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

    /// <summary>Ended by a signal.</summary>
    public const int Interrupted = 130;

    /// <summary>The code of this program for one of <c>mergeflow</c>'s: only that of bad input differs, as 2 is taken.</summary>
    public static int Of(int code) => code == ExitCode.BadInput ? BadInput : code;
}
