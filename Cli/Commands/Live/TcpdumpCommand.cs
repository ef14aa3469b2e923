using System.CommandLine;
using System.Globalization;
using Mergeflow.Control;
using Mergeflow.Native;
using Mergeflow.Nic;

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
        Option<string> kernel = new("--kernel") { HelpName = "all|N|off", Description = "Of the packets that the kernel forwards: all, one in N, or none.", DefaultValueFactory = _ => "all" };
        Option<string> output = new("--out") { HelpName = "FILE", Description = "Where to write; - is standard output.", DefaultValueFactory = _ => "-" };
        direction.AcceptOnlyFromAmong("in", "out", "both");
        LiveOption live = new(isImplied: true);
        Command command = new("tcpdump", "Write the frames of a port of a running switch as a capture.") { port };
        foreach (Option option in new Option[] { snap, count, direction, kernel, output, live }) command.Options.Add(option);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(snap) < 1) CommandFailedException.ThrowUsage("--snap: expected at least 1");
            if (parsed.GetValue(count) < 1) CommandFailedException.ThrowUsage("--count: expected at least 1");
            int oneIn = OneIn(parsed.GetRequiredValue(kernel)) ?? throw new CommandFailedException(ExitCode.Usage, $"--kernel: '{parsed.GetRequiredValue(kernel)}' is none of off, all and a number up to {KernelNic.MaxShadowOneIn}");
            using OutputFile file = OutputFile.Create(parsed.GetRequiredValue(output));
            LiveClient.Stream(
                live.SocketOf(parsed)!,
                Method,
                [
                    parsed.GetRequiredValue(port), parsed.GetRequiredValue(direction), parsed.GetValue(snap).ToString(CultureInfo.InvariantCulture), (parsed.GetValue(count) ?? 0).ToString(CultureInfo.InvariantCulture),
                    oneIn.ToString(CultureInfo.InvariantCulture),
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
        int oneIn = 1;
        if ((words.Count > 4 && !int.TryParse(words[4], NumberStyles.None, CultureInfo.InvariantCulture, out oneIn)) || oneIn > KernelNic.MaxShadowOneIn) throw new UnixctlException("expected how many packets of the kernel one stands for");
        FrameDirections directions = words[1] switch
        {
            "in" => FrameDirections.In,
            "out" => FrameDirections.Out,
            "both" => FrameDirections.Both,
            _ => throw new UnixctlException("expected in, out or both"),
        };
        return (client, end) => Write(running, () => new FrameRing(RingBytes, Math.Min(snap, CaptureFile.MaxFrameBytes), port, directions, keepsOldest: true), new Wanted(port, directions, count, oneIn), client, end);
    }

    /// <summary>How many packets of the kernel one stands for, 0 = there are none; null = that makes no sense.</summary>
    private static int? OneIn(string text) => text switch
    {
        "off" => 0,
        "all" => 1,
        _ => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n is >= 1 and <= KernelNic.MaxShadowOneIn ? n : null,
    };

    private static void Write(RunningSwitch running, Func<FrameRing> make, Wanted wanted, Stream client, CancellationToken end)
    {
        WallClock clock = new();
        int oneIn = running.ForwardsInKernel ? wanted.OneIn : 0;
        ulong forwarded = ByKernel();
        FrameFeed made;
        try
        {
            made = new FrameFeed(running, make, oneIn);
        }
        catch (IOException e)
        {
            LiveChunks.Write(client, LiveChunk.Note, $"the kernel makes no copies of what it forwards: {e.Message}");
            oneIn = 0;
            made = new FrameFeed(running, make);
        }

        using FrameFeed feed = made;
        using MemoryStream pending = new();
        using PcapWriter pcap = new(pending);
        List<Kept> kept = [];
        ulong copied = 0;
        bool Take(int pmd, in RingFrame frame)
        {
            kept.Add(new Kept(frame.Ns, frame.Bytes.ToArray(), frame.LengthBytes, frame.KernelPackets));
            return true;
        }

        bool goesOn = true;
        while (goesOn)
        {
            bool isLast = end.WaitHandle.WaitOne(PeriodMs) || FrameFeed.HasLeft(client);

            // Each thread and each processor is read for itself: what is later than the first look at one of them waits for the next look at all.
            long untilNs = isLast ? long.MaxValue : MonotonicClock.NowNs;
            goesOn = (isLast ? feed.End(Take) : feed.Read(Take)) && !isLast;
            Kept[] inOrder = [.. kept.OrderBy(static f => f.Ns).TakeWhile(f => f.Ns <= untilNs)];
            kept.RemoveAll(f => f.Ns <= untilNs);
            foreach (Kept frame in inOrder)
            {
                if (wanted.Count > 0 && pcap.FrameCount >= wanted.Count) break;
                pcap.Write(frame.Bytes, clock.Of(frame.Ns), frame.LengthBytes);
                copied += (ulong)frame.KernelPackets;
            }

            goesOn &= wanted.Count == 0 || pcap.FrameCount < wanted.Count;
            if (pending.Length == 0) continue;
            LiveChunks.Write(client, LiveChunk.Data, pending.GetBuffer().AsSpan(0, (int)pending.Length));
            pending.SetLength(0);
        }

        feed.Dispose();
        LiveChunks.Write(client, LiveChunk.Note, string.Create(CultureInfo.InvariantCulture, $"{pcap.FrameCount} frames written, {feed.Lost} left out because they came faster than they were read"));
        if (oneIn > 0) LiveChunks.Write(client, LiveChunk.Note, string.Create(CultureInfo.InvariantCulture, $"of {ByKernel() - forwarded} packets that the kernel forwarded meanwhile, {copied} are among them"));
        else if (running.ForwardsInKernel) LiveChunks.Write(client, LiveChunk.Note, RunningSwitch.KernelNote);
        LiveChunks.Write(client, LiveChunk.Done, "");

        ulong ByKernel()
        {
            (ulong rx, ulong tx) = running.Live.Taps.ByKernel(wanted.Port);
            return ((wanted.Directions & FrameDirections.In) != 0 ? rx : 0) + ((wanted.Directions & FrameDirections.Out) != 0 ? tx : 0);
        }
    }

    private sealed record Kept(long Ns, byte[] Bytes, int LengthBytes, int KernelPackets);

    /// <summary>What is asked for.</summary>
    /// <param name="Port">Frames of this port; 0 = of all.</param>
    /// <param name="Directions">Ways of frames.</param>
    /// <param name="Count">So many frames at most; 0 = any number.</param>
    /// <param name="OneIn">One in so many packets that the kernel forwards; 0 = none.</param>
    private sealed record Wanted(uint Port, FrameDirections Directions, long Count, int OneIn);
}
