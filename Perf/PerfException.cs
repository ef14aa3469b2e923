namespace Mergeflow.Perf;

/// <summary>Ends the program with one line on stderr and an exit code.</summary>
public sealed class PerfException : Exception
{
    private PerfException(int exitCode, string message)
        : base(message) => ExitCode = exitCode;

    /// <summary>One of <see cref="PerfExitCode"/>.</summary>
    public int ExitCode { get; }

    /// <summary>Unknown name, wrong value, options that exclude each other.</summary>
    public static PerfException Usage(string message) => new(PerfExitCode.Usage, message);

    /// <summary>A file whose content cannot be understood.</summary>
    public static PerfException BadInput(string message) => new(PerfExitCode.BadInput, message);

    /// <summary>Rules that need something that is not there.</summary>
    public static PerfException MissingFeature(string message) => new(PerfExitCode.MissingFeature, message);

    /// <summary>Anything else that cannot be done.</summary>
    public static PerfException Failed(string message) => new(PerfExitCode.Failed, message);
}
