using Mergeflow.Nic;

namespace Mergeflow.PropertyTests;

/// <summary>One of the switches that a soak drives side by side: what leaves it comes down to a sum that does not depend on the order.</summary>
internal sealed class SoakSwitch : IOutputSink, IDisposable
{
    private const ulong Prime = 0x9e37_79b9_7f4a_7c15;

    public SoakSwitch(string name, OffloadMode offload, int batchSize, FaultPlan? faults = null, string? profile = null, int mergedCapacity = 65_536)
    {
        Name = name;
        Simulator = new Simulator(
            new SimulatorOptions
            {
                Ports = [("p1", 1), ("p2", 2), ("p3", 3), ("p4", 4)],
                Offload = offload,
                NicProfile = profile,
                NicFaults = faults ?? FaultPlan.None,
                BatchSize = batchSize,
                MergedCapacity = mergedCapacity,
                TcpSeqChk = false,
                Seed = 1,
                ConntrackSweepMs = 1000,
                ConnectionCapacity = 8192,
                MegaflowCapacity = 8192,
                EmcEntryCount = 4096,
                PacketCapacity = 1200,
                FrameCapacityBytes = 2048,
            },
            this);
    }

    public string Name { get; }

    public Simulator Simulator { get; }

    /// <summary>Sum over all outputs so far of a hash of event, port and bytes.</summary>
    public ulong Sum { get; private set; }

    public ulong SentCount { get; private set; }

    /// <summary>What the last output was.</summary>
    public (uint Port, byte[] Frame)? Last { get; set; }

    /// <summary>Keep <see cref="Last"/>.</summary>
    public bool IsWatched { get; init; }

    public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
    {
        ulong hash = (ulong)eventIndex * Prime ^ port;
        foreach (byte b in frame) hash = (hash ^ b) * 0x100_0000_01b3;
        Sum += hash ^ (hash >> 29);
        SentCount++;
        if (IsWatched) Last = (port, frame.ToArray());
    }

    /// <summary>What has to be nothing when nothing is going on, and is not.</summary>
    public IEnumerable<string> Leftovers()
    {
        Engine.Runtime.Datapath d = Simulator.Datapath;
        (string What, long Count)[] left =
        [
            ("connections", d.Conntrack.Count),
            ("megaflows", d.Megaflows.Count),
            ("megaflows that wait for reclamation", d.Megaflows.Retiring().Count()),
            ("subtables", d.Pmd.Classifier.SubtableCount),
            ("lanes in the union of masks", (long)d.Pmd.Classifier.UnionLanes),
            ("recirculation ids", d.Recirc.Count),
            ("packets of the pool", d.Pmd.Pool.InUse),
            ("held fragments", d.Conntrack.HeldFragments),
            ("merged rules", d.Offload?.RuleCount ?? 0),
            ("dying rules", d.Offload?.DyingCount ?? 0),
            ("rules in the device", d.Offload?.Provider.RuleCount ?? 0),
            ("groups", d.Pipeline.Groups.Count()),
        ];
        return left.Where(static l => l.Count != 0).Select(l => $"{Name}: {l.Count} {l.What} left");
    }

    /// <summary>Books that do not agree.</summary>
    public IEnumerable<string> Drifts()
    {
        Simulator.Settle();
        if (Simulator.Datapath.Offload is null) return [];
        OffloadAudit audit = Simulator.Audit(pushed: true);
        IEnumerable<string> drifts = audit.Lines.Where(static l => !l.IsBalanced).Select(l => $"{Name}: {l.Book}: drift of {l.DriftPackets} packets, {l.DriftBytes} bytes");
        return audit.StaleRules == 0 ? drifts : drifts.Append($"{Name}: {audit.StaleRules} rules depend on what has moved");
    }

    public void Dispose() => Simulator.Dispose();
}
