using System.CommandLine;
using System.Text;
using System.Text.Json;
using Mergeflow.Control;

namespace Mergeflow.Cli;

/// <summary>What a show command has at hand: a switch at the end of a replay, or one that runs.</summary>
/// <param name="Parsed">The command's own options.</param>
/// <param name="Datapath">The switch.</param>
/// <param name="NowMs">Its time.</param>
/// <param name="Received">What it was given, packets and bytes.</param>
/// <param name="Fates">What became of each packet, per flow; null for a switch that runs, and without offload.</param>
/// <param name="Report">Its settled state.</param>
/// <param name="Output">Where to print.</param>
/// <param name="IsJson">One JSON object per line instead of text for people.</param>
internal sealed record ShowContext(ParseResult Parsed, Datapath Datapath, long NowMs, BookTotals Received, FateLog? Fates, SimulatorReport Report, TextWriter Output, bool IsJson)
{
    /// <summary>The end of a replay.</summary>
    public static ShowContext Of(ParseResult parsed, ReplaySession session, bool isJson)
    {
        SimulatorReport report = session.Finish();
        return new(parsed, session.Simulator.Datapath, session.Simulator.NowMs, session.Received, session.Fates, report, parsed.InvocationConfiguration.Output, isJson);
    }

    /// <summary>A moment of a switch that runs.</summary>
    public static ShowContext Of(LiveInvocation inside, ParseResult parsed, bool isJson)
    {
        LiveSwitch live = inside.Switch.Live;
        SimulatorReport report = live.Datapath.Report(LiveSwitch.NowMs);
        return new(parsed, live.Datapath, LiveSwitch.NowMs, live.Received, null, report, parsed.InvocationConfiguration.Output, isJson);
    }

    /// <summary>The offload side; a switch without one is a usage error.</summary>
    public OffloadThread RequireOffload() => Datapath.Offload
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
