using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <summary>What a <see cref="ConnTracker"/> is built with.</summary>
public sealed record ConntrackOptions
{
    /// <summary>Most connections by default, as in Open vSwitch (<c>dpctl/ct-get-maxconns</c>, <c>DEFAULT_N_CONN</c>).</summary>
    public const int DefaultCapacityConnections = 3_000_000;

    /// <summary>Largest <see cref="CapacityConnections"/>.</summary>
    public const int MaxCapacityConnections = 1 << 24;

    /// <summary>
    /// Most connections tracked at a time, ended ones that were not swept yet included. Address space is reserved for them, about 280 bytes each; the system
    /// provides memory as they appear. Who comes later is refused and counted (<see cref="ConnTracker.RefusedConnections"/>).
    /// </summary>
    public int CapacityConnections { get; init; } = DefaultCapacityConnections;

    /// <summary>Packet threads that share the connections, 1..<see cref="ConnTracker.MaxThreads"/>.</summary>
    public int ThreadCount { get; init; } = 1;

    /// <summary>Check TCP sequence numbers (OVS <c>dpctl/ct-enable-tcp-seq-chk</c>).</summary>
    public bool TcpSeqChk { get; init; } = true;

    /// <summary>Smallest IPv4 fragment accepted, bytes from the IP header on, the last one exempt (OVS <c>dpctl/ipf-set-min-frag v4</c>).</summary>
    public int IpfMinV4 { get; init; } = 1200;

    /// <summary>Smallest IPv6 fragment accepted, bytes from the IP header on, the last one exempt.</summary>
    public int IpfMinV6 { get; init; } = 1280;

    /// <summary>Most fragments that each packet thread holds at a time (OVS <c>dpctl/ipf-set-max-nfrags</c>).</summary>
    public int MaxFragments { get; init; } = 1000;

    /// <summary>Fragments of a packet thread that there is room for, should <see cref="MaxFragments"/> grow.</summary>
    public int FragmentCapacity { get; init; }

    /// <summary>Whose faults are repeated.</summary>
    public Quirks Quirks { get; init; } = Quirks.None;

    /// <summary>Key of the hashes and of the NAT port choice; 0 = that of the process, see <see cref="Mergeflow.Native.ProcessSeed"/>.</summary>
    public ulong Seed { get; init; }

    /// <summary>
    /// Time in ms between two sweeps, at which expired translated connections give their reply tuples back (OVS <c>ct_clean</c> thread: 20 s).
    /// </summary>
    public long SweepMs { get; init; } = 20_000;

    /// <summary>For tests: a reassembled datagram ends at a page that cannot be touched.</summary>
    public bool GuardPages { get; init; }

    /// <summary>Timeout policies known from the start.</summary>
    public IReadOnlyList<CtTimeoutPolicy> TimeoutPolicies { get; init; } = [];
}
