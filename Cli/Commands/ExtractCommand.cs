using System.CommandLine;
using System.Globalization;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow extract</c>: the fields that the parser takes from each frame, as <c>ovs-ofctl parse-pcap</c> prints them.</summary>
internal static class ExtractCommand
{
    /// <summary>The largest frame that a packet slot can hold.</summary>
    private const int FrameCapacityBytes = 65_280;

    public static Command Create(CancellationToken interrupted)
    {
        Option<string> input = new("--in") { Required = true, HelpName = "FILE", Description = "Frames: JSON lines with \"i\" and \"hex\", pcap or pcapng, gzip or not; - is standard input." };
        Option<string> output = new("--out") { HelpName = "FILE", Description = "Where to write; - is standard output.", DefaultValueFactory = _ => "-" };
        Command command = new("extract", "Print the flow key of each frame, one JSON line per frame.") { input, output };
        command.SetAction(parsed =>
        {
            OutputTargets.Check(parsed, output);
            Run(parsed.GetRequiredValue(input), parsed.GetRequiredValue(output), parsed.InvocationConfiguration.Error, interrupted);
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Run(string inputPath, string outputPath, TextWriter error, CancellationToken interrupted)
    {
        using IEventSource frames = CaptureEventSource.IsCapture(inputPath, out Stream? rest)
            ? new CaptureEventSource([CaptureEventSource.Open(inputPath, rest)], new CapturePorts([FlowKeyFormatter.AnyPort], [FlowKeyFormatter.AnyPort]))
            : new JsonFrameSource(new LineReader(rest ?? InputFile.Open(inputPath), inputPath == "-" ? "standard input" : Path.GetFileName(inputPath)));
        if (frames is CaptureEventSource capture)
        {
            foreach (string note in capture.Notes) error.WriteLine($"mergeflow: warning: {note}");
        }

        using OutputFile file = OutputFile.Create(outputPath);
        WriteFlows(frames, file.Stream, interrupted);
        file.Commit();
    }

    private static void WriteFlows(IEventSource frames, Stream stream, CancellationToken interrupted)
    {
        using StreamWriter writer = new(stream, leaveOpen: true) { NewLine = "\n" };
        using PacketPool pool = new(1, FrameCapacityBytes);
        ReplayEvent frame = new();
        while (frames.TryRead(frame))
        {
            interrupted.ThrowIfCancellationRequested();
            if (frame.FrameSizeBytes > FrameCapacityBytes)
                CommandFailedException.ThrowBadInput(frames.Name, frame.LineNumber, $"a frame of {frame.FrameSizeBytes} bytes; at most {FrameCapacityBytes} are possible");
            PacketRef packet = pool.RentRef(frame.Frame, FlowKeyFormatter.AnyPort);
            packet.Extract();
            FlowKey key = packet.WholeKey();
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{{\"i\":{frame.Index},\"flow\":{CliJson.Quote(FlowKeyFormatter.Format(key))}}}"));
            pool.Return(packet);
        }
    }
}
