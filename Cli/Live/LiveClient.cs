using System.CommandLine;
using System.Text;
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

    /// <summary>Has a command run that sends pieces, until it has said all or this program is told to end: then it is asked for the rest.</summary>
    /// <param name="socket">Of the switch.</param>
    /// <param name="method">The command at the control socket.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="take">Takes bytes and names of files.</param>
    /// <param name="notes">Takes lines for people.</param>
    /// <param name="interrupted">This program is told to end.</param>
    public static void Stream(string socket, string method, IReadOnlyList<string> arguments, Action<LiveChunk, byte[]> take, TextWriter notes, CancellationToken interrupted)
    {
        using UnixctlClient client = new(socket);
        try
        {
            Stream input = client.Open(method, arguments);
            using CancellationTokenRegistration registration = interrupted.Register(client.SayNoMore);
            while (LiveChunks.TryRead(input, out LiveChunk kind, out byte[] bytes) && kind != LiveChunk.Done)
            {
                if (kind == LiveChunk.Note) notes.WriteLine($"mergeflow: note: {Encoding.UTF8.GetString(bytes)}");
                else take(kind, bytes);
            }
        }
        catch (UnixctlException e)
        {
            throw new CommandFailedException(ExitCode.Failed, e.Message);
        }
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
