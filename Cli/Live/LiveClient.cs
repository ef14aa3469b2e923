using System.CommandLine;
using Mergeflow.Control;

namespace Mergeflow.Cli;

/// <summary>Has a command run inside a switch, and prints what it says.</summary>
internal static class LiveClient
{
    /// <summary>Sends the command as it was typed.</summary>
    /// <param name="parsed">The command.</param>
    /// <param name="socket">Of the switch.</param>
    /// <param name="attachment">What it needs from here.</param>
    /// <returns>The command's exit code.</returns>
    /// <exception cref="IOException">There is no switch.</exception>
    public static int Run(ParseResult parsed, string socket, string attachment = "")
    {
        LiveAnswer answer = Ask(socket, [.. parsed.Tokens.Select(static t => t.Value)], attachment);
        parsed.InvocationConfiguration.Output.Write(answer.Output);
        parsed.InvocationConfiguration.Error.Write(answer.Error);
        return answer.Code;
    }

    /// <summary>Sends arguments.</summary>
    public static LiveAnswer Ask(string socket, IReadOnlyList<string> arguments, string attachment = "")
    {
        using UnixctlClient client = new(socket);
        return Ask(client, arguments, attachment);
    }

    /// <summary>The same by a connection that stays.</summary>
    public static LiveAnswer Ask(UnixctlClient client, IReadOnlyList<string> arguments, string attachment = "")
    {
        RpcReply reply = client.Transact(LiveCommands.Run, [attachment, .. arguments]);
        return LiveAnswer.Read(reply.Result ?? throw new IOException(reply.Error!.TrimEnd('\n')));
    }
}
