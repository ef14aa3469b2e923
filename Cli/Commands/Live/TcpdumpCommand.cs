using System.CommandLine;
using System.Globalization;
using Mergeflow.Control;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary><c>tcpdump PORT</c>: the frames of a port of a running switch as pcap, for <c>| tcpdump -r -</c>. A reader that is slow gets what it can take, and is told what it did not get.</summary>
internal static class TcpdumpCommand
{
    /// <summary>Name of the command at the control socket.</summary>
    public const string Method = "mergeflow/tcpdump";

    private const int RingBytes = 2 << 20;
    private const int PeriodMs = 50;
    private const int DefaultSnapBytes = Packet.MaxLengthBytes;

    public static Command Create(CancellationToken interrupted)
    {
        Argument<string> port = new("PORT") { Description = "Name or OpenFlow number; all for all of them." };
        NumberOption<int> snap = new("--snap") { HelpName = "BYTES", Description = "Bytes of each frame that are written.", DefaultValueFactory = _ => DefaultSnapBytes };
        OptionalNumberOption<long> count = new("--count", "-c") { HelpName = "N", Description = "End after N frames; default: go on until a signal." };
        Option<string> direction = new("--direction") { HelpName = "in|out|both", Description = "Frames that the switch receives, sends, or both.", DefaultValueFactory = _ => "both" };
        Option<string> output = new("--out") { HelpName = "FILE", Description = "Where to write; - is standard output.", DefaultValueFactory = _ => "-" };
        direction.AcceptOnlyFromAmong("in", "out", "both");
        LiveOption live = new(isImplied: true);
        Command command = new("tcpdump", "Write the frames of a port of a running switch as a capture.") { port };
        foreach (Option option in new Option[] { snap, count, direction, output, live }) command.Options.Add(option);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(snap) < 1) CommandFailedException.ThrowUsage("--snap: expected at least 1");
            if (parsed.GetValue(count) < 1) CommandFailedException.ThrowUsage("--count: expected at least 1");
            using OutputFile file = OutputFile.Create(parsed.GetRequiredValue(output));
            LiveClient.Stream(
                live.SocketOf(parsed)!,
                Method,
                [
                    parsed.GetRequiredValue(port), parsed.GetRequiredValue(direction), parsed.GetValue(snap).ToString(CultureInfo.InvariantCulture), (parsed.GetValue(count) ?? 0).ToString(CultureInfo.InvariantCulture),
                ],
                (kind, bytes) =>
                {
                    if (kind == LiveChunk.Data) file.Stream.Write(bytes);
                    if (kind == LiveChunk.Data) file.Stream.Flush();
                },
                parsed.InvocationConfiguration.Error,
                interrupted);
            file.Commit();
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>The switch's side of it.</summary>
    public static UnixctlStream Open(RunningSwitch running, IReadOnlyList<string> words)
    {
        uint port = 0;
        try
        {
            if (words[0] != "all") port = ModPortCommand.Find(running, words[0]).Number;
        }
        catch (CommandFailedException e)
        {
            throw new UnixctlException(e.Message);
        }

        if (!int.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out int snap) || snap < 1 || !long.TryParse(words[3], NumberStyles.None, CultureInfo.InvariantCulture, out long count))
            throw new UnixctlException("expected: port|all in|out|both snap count");
        FrameDirections directions = words[1] switch
        {
            "in" => FrameDirections.In,
            "out" => FrameDirections.Out,
            "both" => FrameDirections.Both,
            _ => throw new UnixctlException("expected in, out or both"),
        };
        return (client, end) => Write(running, () => new FrameRing(RingBytes, Math.Min(snap, CaptureFile.MaxFrameBytes), port, directions, keepsOldest: true), count, client, end);
    }

    private static void Write(RunningSwitch running, Func<FrameRing> make, long count, Stream client, CancellationToken end)
    {
        WallClock clock = new();
        using FrameFeed feed = new(running, make);
        using MemoryStream pending = new();
        using PcapWriter pcap = new(pending);
        bool Take(int pmd, in RingFrame frame)
        {
            pcap.Write(frame.Bytes, clock.Of(frame.Ns), frame.LengthBytes);
            return count == 0 || pcap.FrameCount < count;
        }

        bool goesOn = true;
        while (goesOn)
        {
            bool isLast = end.WaitHandle.WaitOne(PeriodMs) || FrameFeed.HasLeft(client);
            goesOn = (isLast ? feed.End(Take) : feed.Read(Take)) && !isLast;
            if (pending.Length == 0) continue;
            LiveChunks.Write(client, LiveChunk.Data, pending.GetBuffer().AsSpan(0, (int)pending.Length));
            pending.SetLength(0);
        }

        LiveChunks.Write(client, LiveChunk.Note, string.Create(CultureInfo.InvariantCulture, $"{pcap.FrameCount} frames written, {feed.Lost} left out because they came faster than they were read"));
        if (running.ForwardsInKernel) LiveChunks.Write(client, LiveChunk.Note, RunningSwitch.KernelNote);
        LiveChunks.Write(client, LiveChunk.Done, "");
    }
}
