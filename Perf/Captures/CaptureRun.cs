using Mergeflow.Cli;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>A capture to replay, with rules.</summary>
/// <param name="PcapPath">pcap or pcapng.</param>
public sealed record CaptureRun(string PcapPath)
{
    /// <summary>Flows; null = <see cref="DefaultFlows"/>.</summary>
    public string? FlowsPath { get; init; }

    /// <summary>Groups; null = none.</summary>
    public string? GroupsPath { get; init; }

    /// <summary>Port on which all frames arrive; null = <see cref="CapturePorts"/> decides per frame.</summary>
    public uint? InPort { get; init; }

    /// <summary>Ports 1..PortCount exist.</summary>
    public int PortCount { get; init; } = 4;

    /// <summary>Correct wrong checksums before anything else.</summary>
    public bool FixChecksums { get; init; }

    /// <summary>Reads everything, as <c>mergeflow replay</c> reads it.</summary>
    /// <exception cref="PerfException">A file is missing or cannot be understood.</exception>
    public Workload Load()
    {
        var frames = new List<byte[]>();
        var times = new List<long>();
        var inPorts = new List<uint>();
        (IReadOnlyList<string> found, string arrival) = ReadFrames(frames, times, inPorts);
        List<string> notes = [.. found];
        if (frames.Count == 0) throw PerfException.BadInput(notes.Count > 0 ? notes[0] : $"{PcapPath}: no frames");
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
            Arrival = arrival,
        };
    }

    private (IReadOnlyList<string> Notes, string Arrival) ReadFrames(List<byte[]> frames, List<long> times, List<uint> inPorts)
    {
        try
        {
            InputFile.RequireFile(PcapPath);
            CaptureReader reader = CaptureFile.Open(PcapPath);
            using CaptureEventSource events = new([reader], new CapturePorts([.. Enumerable.Range(1, PortCount).Select(static n => (uint)n)], InPort is null ? [] : [InPort]), FixChecksums);
            var next = new ReplayEvent();
            while (events.TryRead(next))
            {
                frames.Add(next.Frame.ToArray());
                times.Add(next.TimeMs);
                inPorts.Add(next.Port);
            }

            return (events.Notes, events.Arrival);
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
            return InputFile.ReadText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw PerfException.Failed(e.Message);
        }
    }
}
