namespace Mergeflow.Perf;

/// <summary>One pass over a capture in the simulator, with the capture's own clock: what leaves has to be the same in every offload mode.</summary>
public sealed class FirstPass
{
    private FirstPass(OutputRecorder output, PmdStats stats, ulong offloaded, ulong hits, OffloadShares? shares)
        => (Output, Stats, Offloaded, OffloadHits, Shares) = (output, stats, offloaded, hits, shares);

    /// <summary>What left.</summary>
    public OutputRecorder Output { get; }

    /// <summary>Software counters.</summary>
    public PmdStats Stats { get; }

    /// <summary>Merged rules installed.</summary>
    public ulong Offloaded { get; }

    /// <summary>Packets that they took.</summary>
    public ulong OffloadHits { get; }

    /// <summary>What became of the packets: the same that <c>mergeflow offload stats</c> prints for the capture. Null without offload.</summary>
    public OffloadShares? Shares { get; }

    /// <summary>Runs the pass.</summary>
    /// <param name="workload">A capture.</param>
    /// <param name="settings">Mode, cache, NIC profile.</param>
    /// <param name="tcpSeqChk">Check TCP sequence numbers; no NIC does.</param>
    /// <param name="interrupted">Ends the pass.</param>
    /// <exception cref="PerfException">The rules are refused.</exception>
    public static FirstPass Run(Workload workload, BenchSettings settings, bool tcpSeqChk, CancellationToken interrupted)
    {
        return Run(workload, settings, tcpSeqChk, new OutputRecorder(), interrupted);
    }

    /// <summary>Runs the pass again for one frame of its output; null if there is none.</summary>
    public static byte[]? Frame(Workload workload, BenchSettings settings, bool tcpSeqChk, OutputDifference at, CancellationToken interrupted)
        => Run(workload, settings, tcpSeqChk, new OutputRecorder { Watch = (at.Port, at.Index) }, interrupted).Output.Watched;

    private static FirstPass Run(Workload workload, BenchSettings settings, bool tcpSeqChk, OutputRecorder output, CancellationToken interrupted)
    {
        using var simulator = new Simulator(Options(workload, settings, tcpSeqChk), output);
        Rules.Load(simulator.Datapath, workload, 0);
        for (int i = 0; i < workload.Frames.Count; i++)
        {
            if ((i & 1023) == 0) interrupted.ThrowIfCancellationRequested();
            simulator.AdvanceTo(workload.TimesMs?[i] ?? 0);
            simulator.Receive(workload.InPorts?[i] ?? 1, workload.Frames[i], i);
        }

        SimulatorReport report = simulator.Report();
        BookTotals received = new((ulong)workload.Frames.Count, workload.Frames.Aggregate(0UL, static (sum, f) => sum + (ulong)f.Length));
        return new FirstPass(output, report.Pmd, report.Offloaded, report.OffloadHits, simulator.Datapath.Offload?.Report.Shares(received));
    }

    private static SimulatorOptions Options(Workload workload, BenchSettings settings, bool tcpSeqChk)
    {
        DatapathOptions loop = PacketLoop.DatapathFor(workload, settings);
        return new SimulatorOptions
        {
            Ports = loop.Ports,
            Offload = settings.Offload,
            NicProfile = settings.NicProfile,
            CacheOn = settings.CacheOn,
            TcpSeqChk = tcpSeqChk,
            FrameCapacityBytes = loop.FrameCapacityBytes,
            PacketCapacity = loop.PacketCapacity,
            ConnectionCapacity = loop.ConnectionCapacity,
            MegaflowCapacity = loop.MegaflowCapacity,
            EmcEntryCount = loop.EmcEntryCount,
            MergedCapacity = loop.MergedCapacity,
            SubtableLimit = loop.SubtableLimit,
            Quirks = loop.Quirks,
        };
    }
}
