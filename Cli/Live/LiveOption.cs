using System.CommandLine;
using Mergeflow.Control;

namespace Mergeflow.Cli;

/// <summary><c>--live [SOCKET]</c>: the command is for a switch that runs.</summary>
internal sealed class LiveOption : Option<string?>
{
    public const string OptionName = "--live";

    /// <param name="isImplied">The command is for a running switch anyway.</param>
    public LiveOption(bool isImplied = false)
        : base(OptionName)
    {
        IsImplied = isImplied;
        HelpName = "SOCKET";
        Arity = ArgumentArity.ZeroOrOne;
        Description = isImplied
            ? "Control socket of the switch; default: mergeflow.sock in the run directory."
            : "Ask a switch that runs, at its control socket, instead of replaying; without SOCKET at mergeflow.sock in the run directory.";
    }

    /// <summary>The command is for a running switch anyway.</summary>
    public bool IsImplied { get; }

    /// <summary>The socket to ask; null = this is a replay.</summary>
    /// <exception cref="CommandFailedException">The options do not fit together.</exception>
    public string? SocketOf(ParseResult parsed)
    {
        if (parsed.GetResult(this) is null && !IsImplied) return null;
        string? path = parsed.GetValue(this);
        return path switch
        {
            null => ControlSocket.DefaultPath,
            "" => throw new CommandFailedException(ExitCode.Usage, "--live: expected the path of a socket"),
            _ => path,
        };
    }

    /// <summary>That of a command; null = it has none.</summary>
    public static LiveOption? Of(Command command) => command.Options.OfType<LiveOption>().FirstOrDefault();
}
