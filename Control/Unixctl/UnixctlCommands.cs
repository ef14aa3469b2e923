using System.Text;

namespace Mergeflow.Control;

/// <summary>The commands that a control socket answers, by name (OVS <c>unixctl_command_register</c>). They are added before the server starts.</summary>
public sealed class UnixctlCommands
{
    private readonly SortedDictionary<string, Command> _commands = new(StringComparer.Ordinal);
    private readonly Lock _running = new();

    /// <summary>Knows <c>list-commands</c>.</summary>
    public UnixctlCommands() => Add("list-commands", "", 0, 0, _ => List());

    /// <summary>Adds a command. One runs at a time.</summary>
    /// <param name="name">As it is asked for.</param>
    /// <param name="usage">Its arguments, for people.</param>
    /// <param name="least">Fewest arguments.</param>
    /// <param name="most">Most arguments.</param>
    /// <param name="run">Does it and returns its text; <see cref="UnixctlException"/> says why not.</param>
    public void Add(string name, string usage, int least, int most, Func<IReadOnlyList<string>, string> run)
        => _commands.Add(name, new Command(usage, least, most, run, null));

    /// <summary>Adds a command that answers with its connection: after an empty result it is the command's, which writes bytes until it returns. Several run at a time.</summary>
    /// <param name="name">As it is asked for.</param>
    /// <param name="usage">Its arguments, for people.</param>
    /// <param name="least">Fewest arguments.</param>
    /// <param name="most">Most arguments.</param>
    /// <param name="open">Looks at the arguments, and returns what writes; <see cref="UnixctlException"/> says why not.</param>
    public void AddStream(string name, string usage, int least, int most, Func<IReadOnlyList<string>, UnixctlStream> open)
        => _commands.Add(name, new Command(usage, least, most, null, open));

    /// <summary>Answers a request.</summary>
    /// <param name="request">From anybody.</param>
    /// <param name="stream">What takes the connection over when the reply is out; null = nothing does.</param>
    /// <returns>Texts end with a line end, as Open vSwitch's do.</returns>
    public RpcReply Run(RpcRequest request, out UnixctlStream? stream)
    {
        stream = null;
        try
        {
            if (!_commands.TryGetValue(request.Method, out Command? command))
                throw new UnixctlException($"\"{request.Method}\" is not a valid command (use \"list-commands\" to see a list of valid commands)");
            int n = request.Parameters.Count;
            if (n < command.Least) throw new UnixctlException($"\"{request.Method}\" command requires at least {command.Least} arguments");
            if (n > command.Most) throw new UnixctlException($"\"{request.Method}\" command takes at most {command.Most} arguments");
            string[] arguments = [.. request.Parameters.OfType<string>()];
            if (arguments.Length != n) throw new UnixctlException($"\"{request.Method}\" command has non-string argument");
            if (command.Open is { } open)
            {
                stream = open(arguments);
                return new RpcReply(request.Id, "", null);
            }

            lock (_running) return new RpcReply(request.Id, Line(command.Run!(arguments)), null);
        }
        catch (UnixctlException e)
        {
            return new RpcReply(request.Id, null, Line(e.Message));
        }
#pragma warning disable CA1031 // a command that fails must not take the switch with it
        catch (Exception e)
        {
            return new RpcReply(request.Id, null, Line($"internal error: {e.GetType().Name}: {e.Message}"));
        }
#pragma warning restore CA1031
    }

    private static string Line(string text) => text.Length == 0 || text.EndsWith('\n') ? text : text + "\n";

    private string List()
    {
        StringBuilder text = new("The available commands are:\n");
        foreach ((string name, Command command) in _commands) text.Append("  ").Append(name.PadRight(23)).Append(' ').Append(command.Usage).Append('\n');
        return text.ToString();
    }

    private sealed record Command(string Usage, int Least, int Most, Func<IReadOnlyList<string>, string>? Run, Func<IReadOnlyList<string>, UnixctlStream>? Open);
}

/// <summary>Writes to a connection until it has said all, its reader has gone, or the server ends.</summary>
/// <param name="output">The connection. A reader that takes nothing for as long as one waits ends it with an <see cref="IOException"/>.</param>
/// <param name="end">The server ends.</param>
public delegate void UnixctlStream(Stream output, CancellationToken end);
