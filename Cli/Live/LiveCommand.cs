using System.CommandLine;

namespace Mergeflow.Cli;

/// <summary>What commands have in common that are for a running switch only.</summary>
internal static class LiveCommand
{
    /// <param name="name">The command.</param>
    /// <param name="description">One sentence for <c>--help</c>.</param>
    /// <param name="run">Does it, inside the switch.</param>
    /// <param name="symbols">Arguments and further options.</param>
    /// <param name="attach">What the client reads for it; null = nothing.</param>
    public static Command Create(string name, string description, Func<LiveInvocation, ParseResult, int> run, Symbol[] symbols, Func<ParseResult, string>? attach = null)
    {
        LiveOption live = new(isImplied: true);
        Command command = new(name, description);
        foreach (Symbol symbol in symbols)
        {
            if (symbol is Argument argument) command.Arguments.Add(argument);
            else command.Options.Add((Option)symbol);
        }

        command.Options.Add(live);
        command.SetAction(parsed => LiveInvocation.Of(parsed) is { } inside
            ? run(inside, parsed)
            : LiveClient.Run(parsed, live.SocketOf(parsed)!, attach?.Invoke(parsed) ?? ""));
        return command;
    }
}
