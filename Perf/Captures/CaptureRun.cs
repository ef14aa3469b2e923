using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>A capture to replay, with rules.</summary>
/// <param name="PcapPath">pcap or pcapng.</param>
public sealed record CaptureRun(string PcapPath)
{
    /// <summary>Longest frame that the datapath takes.</summary>
    public const int MaxFrameBytes = Engine.Packets.Packet.MaxLengthBytes;

    /// <summary>Flows; null = <see cref="DefaultFlows"/>.</summary>
    public string? FlowsPath { get; init; }

    /// <summary>Groups; null = none.</summary>
    public string? GroupsPath { get; init; }

    /// <summary>Port on which all frames arrive; null = <see cref="DirectionFinder"/> decides per frame.</summary>
    public uint? InPort { get; init; }

    /// <summary>Ports 1..PortCount exist.</summary>
    public int PortCount { get; init; } = 4;

    /// <summary>Correct wrong checksums before anything else.</summary>
    public bool FixChecksums { get; init; }

    /// <summary>Reads everything.</summary>
    /// <exception cref="PerfException">A file is missing or cannot be understood.</exception>
    public Workload Load()
    {
        var frames = new List<byte[]>();
        var times = new List<long>();
        var notes = new List<string>();
        ReadFrames(frames, times, notes);
        if (frames.Count == 0) throw PerfException.BadInput(notes.Count > 0 ? notes[0] : $"{PcapPath}: no frames");
        int wrong = ChecksumRepair.Check(frames, FixChecksums);
        if (wrong > 0) notes.Add(ChecksumNote(wrong, frames.Count));
        var finder = new DirectionFinder();
        uint[] inPorts = [.. frames.Select(f => InPort ?? finder.PortOf(f))];
        string flows = FlowsPath is null ? DefaultFlows.Text : ReadText(FlowsPath);
        string flowsName = FlowsPath ?? "default flows";
        notes.AddRange(Rules.Warnings(flowsName, flows));
        return new Workload(Path.GetFileName(PcapPath), frames, [], flows)
        {
            Groups = GroupsPath is null ? "" : ReadText(GroupsPath),
            FlowsName = flowsName,
            InPorts = inPorts,
            TimesMs = times,
            PortCount = PortCount,
            Notes = notes,
        };
    }

    private string ChecksumNote(int wrong, int count) => FixChecksums
        ? $"{PcapPath}: {wrong} of {count} frames had a wrong checksum, which has been corrected"
        : $"{PcapPath}: {wrong} of {count} frames have a wrong checksum (captured on the sending host?), ct takes them as invalid; --fix-checksums corrects them";

    private void ReadFrames(List<byte[]> frames, List<long> times, List<string> notes)
    {
        try
        {
            using CaptureReader reader = CaptureFile.Open(PcapPath);
            int tooLong = 0;
            long latestMs = 0;
            long? firstMs = null;
            while (reader.TryRead(out CaptureFrame frame))
            {
                if (frame.CapturedBytes > MaxFrameBytes)
                {
                    tooLong++;
                    continue;
                }

                long ms = frame.TimestampNs / 1_000_000;
                firstMs ??= ms;
                latestMs = Math.Max(latestMs, ms - firstMs.Value);
                frames.Add(frame.Bytes.ToArray());
                times.Add(latestMs);
            }

            if (tooLong > 0) notes.Add($"{PcapPath}: {tooLong} frames of more than {MaxFrameBytes} bytes are left out");
            if (reader.CutFrameCount > 0) notes.Add($"{PcapPath}: {reader.CutFrameCount} frames were cut short when they were captured");
            if (reader.TruncationNote is string truncated) notes.Add(truncated);
        }
        catch (CaptureFormatException e)
        {
            throw PerfException.BadInput(e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw PerfException.Failed($"--pcap: {e.Message}");
        }
    }

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw PerfException.Failed(e.Message);
        }
    }
}
