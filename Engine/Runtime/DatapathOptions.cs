using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Pmd;
using Mergeflow.Native;
using Mergeflow.Nic;

namespace Mergeflow.Engine.Runtime;

/// <summary>What a datapath is made of.</summary>
public class DatapathOptions
{
    /// <summary>Ports by name and OpenFlow number.</summary>
    public required IReadOnlyList<(string Name, uint Number)> Ports { get; init; }

    /// <summary>Tunnels behind some of the ports.</summary>
    public IReadOnlyList<TunnelPort> Tunnels { get; init; } = [];

    /// <summary>Packet threads, 1..64. Packet memory, caches, megaflows and soft rules are per thread.</summary>
    public int PmdCount { get; init; } = 1;

    /// <summary>Receive queues of each port; 0 = as many as there are packet threads.</summary>
    public int QueuesPerPort { get; init; }

    /// <summary>Queues that a certain packet thread polls (OVS <c>pmd-rxq-affinity</c>); the others go to the threads in turn.</summary>
    public IReadOnlyList<QueuePin> QueuePins { get; init; } = [];

    /// <summary>
    /// Threads that translate what packet threads miss (OVS <c>n-handler-threads</c>); 0 = the packet thread does it itself, at once. A packet that misses is parked meanwhile, and what comes behind it between
    /// the same two hosts; how many, is bounded by <see cref="PacketCapacity"/>.
    /// </summary>
    public int HandlerCount { get; init; }

    public OffloadMode Offload { get; init; }

    /// <summary>Rules in the kernel: the form of the program that a test run takes; ports that come by XDP have theirs in any case.</summary>
    public BpfAttachPoint KernelForm { get; init; } = BpfAttachPoint.TcxIngress;

    /// <summary>Name or path of a NIC profile; null = <c>ideal</c>.</summary>
    public string? NicProfile { get; init; }

    /// <summary>One in so many packets that rules in the kernel take, and the first of each rule, is checked against software (<see cref="ShadowCheck"/>); 0 = none.</summary>
    public int ShadowOneIn { get; init; }

    /// <summary>What goes wrong in the NIC.</summary>
    public FaultPlan NicFaults { get; init; } = FaultPlan.None;

    /// <summary>Settings of the offload thread.</summary>
    public OffloadOptions OffloadThread { get; init; } = new();

    /// <summary>A flow's packet from which on its packets are recorded, 1 = the first: flows that end before cost the offload nothing.</summary>
    public int RecordAfterPackets { get; init; } = 1;

    /// <summary>Microflow caches on.</summary>
    public bool CacheOn { get; init; } = true;

    /// <summary>Idle time in ms after which a megaflow goes (OVS <c>max-idle</c>).</summary>
    public long MaxIdleMs { get; init; } = 10_000;

    /// <summary>See <see cref="ConntrackOptions.SweepMs"/>.</summary>
    public long ConntrackSweepMs { get; init; } = 20_000;

    /// <summary>Whose faults are repeated.</summary>
    public Quirks Quirks { get; init; } = Quirks.None;

    /// <summary>
    /// Time in ms after which megaflow statistics are pushed to the OpenFlow rules and idle megaflows looked for (OVS <c>max-revalidator</c>). A
    /// change of the tables does it at once.
    /// </summary>
    public long MaxRevalidatorMs { get; init; } = 500;

    /// <summary>The Geneve option behind <c>tun_metadata0</c>; the default value = none.</summary>
    public GeneveOption Option { get; init; }

    /// <summary>Seed of everything that is chosen by chance; 0 = that of the process, see <see cref="Mergeflow.Native.ProcessSeed"/>.</summary>
    public ulong Seed { get; init; }

    /// <summary>VLAN tags that are parsed, 1 or more; 0 = as many as there can be, which is two (OVS <c>other_config:vlan-limit</c>).</summary>
    public int VlanLimit { get; init; } = 2;

    /// <summary>MTU of the <see cref="Simulator"/>'s ports, bytes: longer frames are lost on the wire.</summary>
    public int MtuBytes { get; init; } = 9000;

    /// <summary>TCP sequence checks of conntrack.</summary>
    public bool TcpSeqChk { get; init; } = true;

    public int IpfMinFragV4Bytes { get; init; } = 1200;

    public int IpfMinFragV6Bytes { get; init; } = 1280;

    /// <summary>For tests: packet memory and the buffer of reassembly end at pages that cannot be touched.</summary>
    public bool GuardPages { get; init; }

    /// <summary>Largest frame that can be received, in bytes.</summary>
    public int FrameCapacityBytes { get; init; } = 10_240;

    /// <summary>Larger frames, super-frames above all, that can be in flight on each packet thread: 66 KB of memory each. Live ports want 64, replays none.</summary>
    public int LargeFrameCapacity { get; init; }

    /// <summary>
    /// Room for packets on their way from each packet thread to control, bytes, a power of two: see <see cref="Datapath.TakePacketIns"/>. 0 = nobody takes them, they are only counted.
    /// </summary>
    public int PacketInBytes { get; init; }

    /// <summary>Packets that can be in flight, held fragments included.</summary>
    public int PacketCapacity { get; init; } = 4096;

    /// <summary>Most fragments that conntrack holds, if packet memory allows (OVS <c>dpctl/ipf-set-max-nfrags</c>): see <see cref="FragmentCapacity"/>.</summary>
    public int MaxFragments { get; init; } = 1000;

    /// <summary>
    /// Fragments that conntrack holds at most: they leave eight batches of packet memory for reception and copies, or half of it where there is less.
    /// </summary>
    public int FragmentCapacity => Math.Min(MaxFragments, PacketCapacity - Math.Min(PacketCapacity / 2, 8 * PmdThread.MaxBatch));

    /// <summary>Fragments of a packet thread that packet memory has room for, should <see cref="MaxFragments"/> grow.</summary>
    public int FragmentRoom => Math.Min(5000, PacketCapacity - Math.Min(PacketCapacity / 2, 8 * PmdThread.MaxBatch));

    /// <summary>Most megaflows (OVS <c>flow-limit</c>); memory is touched as they appear. A packet that finds no room is an upcall each time.</summary>
    public int MegaflowCapacity { get; init; } = 200_000;

    /// <summary>
    /// Subtables from which on a megaflow with a new mask matches whole addresses and ports, see <see cref="SubtableGuard"/>. Open vSwitch has no such bound:
    /// see <see cref="Quirks.UnboundedSubtables"/>.
    /// </summary>
    public int SubtableLimit { get; init; } = 128;

    /// <summary>See <see cref="ConntrackOptions.CapacityConnections"/>.</summary>
    public int ConnectionCapacity { get; init; } = ConntrackOptions.DefaultCapacityConnections;

    /// <summary>Most merged rules of the soft device.</summary>
    public int MergedCapacity { get; init; } = 262_144;

    /// <summary>Most masks among the merged rules of the soft device, 1..64.</summary>
    public int MergedTemplates { get; init; } = 64;

    /// <summary>Exact-match cache entries, a power of two.</summary>
    public int EmcEntryCount { get; init; } = ExactMatchCache.DefaultEntryCount;
}
