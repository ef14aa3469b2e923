using System.CommandLine;
using System.Text;
using System.Text.Json;

namespace Mergeflow.Cli;

/// <summary>What a show command has at hand when the replay is over.</summary>
/// <param name="Parsed">The command's own options.</param>
/// <param name="Session">The switch.</param>
/// <param name="Report">Its settled state.</param>
/// <param name="Output">Where to print.</param>
/// <param name="IsJson">One JSON object per line instead of text for people.</param>
internal sealed record ShowContext(ParseResult Parsed, ReplaySession Session, SimulatorReport Report, TextWriter Output, bool IsJson)
{
    /// <summary>The offload side; a replay without one is a usage error.</summary>
    public OffloadThread RequireOffload() => Session.Simulator.Datapath.Offload
        ?? throw new CommandFailedException(ExitCode.Usage, "this command needs --offload soft or --offload nic");

    /// <summary>Prints one JSON object as one line.</summary>
    public void WriteJson(Action<Utf8JsonWriter> members) => WriteJson(Output, members);

    /// <summary>Prints one JSON object as one line.</summary>
    public static void WriteJson(TextWriter output, Action<Utf8JsonWriter> members)
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Encoder = CliJson.Encoder }))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        output.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }
}
