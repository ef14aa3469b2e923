using System.Diagnostics.CodeAnalysis;

namespace Mergeflow.Cli;

/// <summary>Ends a command with one line on stderr and an exit code.</summary>
public sealed class CommandFailedException : Exception
{
    /// <param name="exitCode">One of <see cref="ExitCode"/>.</param>
    /// <param name="message">One line, without the program's name.</param>
    /// <param name="line">Line in the input, from 1; 0 when there is none.</param>
    public CommandFailedException(int exitCode, string message, int line = 0)
        : base(message) => (Code, Line) = (exitCode, line);

    public int Code { get; }

    public int Line { get; }

    /// <summary>Ends the command with <see cref="ExitCode.BadInput"/>; the message says <c>NAME line N: what</c>.</summary>
    [DoesNotReturn]
    public static void ThrowBadInput(string name, int line, string what) =>
        throw new CommandFailedException(ExitCode.BadInput, $"{name} line {line}: {what}", line);

    /// <summary>Ends the command with <see cref="ExitCode.Usage"/>.</summary>
    [DoesNotReturn]
    public static void ThrowUsage(string what) => throw new CommandFailedException(ExitCode.Usage, what);
}
