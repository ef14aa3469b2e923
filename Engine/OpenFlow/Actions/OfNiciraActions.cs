using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>set_queue:N</c>: for the port's queues; no effect where the port has none.</summary>
public sealed record OfSetQueue(uint QueueId) : OfAction;

/// <summary><c>pop_queue</c>: the queue that the packet came with.</summary>
public sealed record OfPopQueue : OfAction;

/// <summary><c>enqueue:PORT:QUEUE</c> (OpenFlow 1.0).</summary>
public sealed record OfEnqueue(uint Port, uint QueueId) : OfAction;

/// <summary><c>exit</c>: ends the pipeline for this packet.</summary>
public sealed record OfExit : OfAction;

/// <summary><c>debug_recirc</c>: a recirculation for no reason but to test them (<c>--enable-dummy</c>).</summary>
public sealed record OfDebugRecirc : OfAction;

/// <summary><c>debug_slow</c>: packets of the rule cannot be cached, for tests.</summary>
public sealed record OfDebugSlow : OfAction;

/// <summary><c>fin_timeout(idle_timeout=S,hard_timeout=S)</c>: shortens the rule's timeouts, seconds, when a connection ends.</summary>
public sealed record OfFinTimeout(ushort IdleTimeoutSeconds, ushort HardTimeoutSeconds) : OfAction;

/// <summary><c>delete_field:FIELD</c>: takes a Geneve option away.</summary>
public sealed record OfDeleteField(Field Field) : OfAction;

/// <summary><c>encap(ethernet)</c>, <c>encap(mpls)</c>, <c>encap(mpls_mc)</c>: puts a header in front of the packet (OVS <c>struct ofpact_encap</c>).</summary>
/// <param name="PacketType">What the packet is then: namespace in the upper half, number in the lower.</param>
/// <param name="HeaderSizeBytes">Size of the header, as far as whoever asks says one; 0 = not said.</param>
public sealed record OfEncap(uint PacketType, ushort HeaderSizeBytes = 0) : OfAction
{
    public const uint Ethernet = 0;
    public const uint Mpls = 0x1_8847;
    public const uint MplsMcast = 0x1_8848;
    public const uint Nsh = 0x1_894f;

    /// <summary>Name of a header that can be put on; null = it cannot.</summary>
    public static string? NameOf(uint packetType) => packetType switch { Ethernet => "ethernet", Mpls => "mpls", MplsMcast => "mpls_mc", _ => null };
}

/// <summary><c>decap()</c>, <c>decap(packet_type(ns=N,type=T))</c>: takes the outermost header off (OVS <c>struct ofpact_decap</c>).</summary>
/// <param name="NextType">What the packet is then, where the header does not say so; <see cref="FromHeader"/> = it does.</param>
public sealed record OfDecap(uint NextType = OfDecap.FromHeader) : OfAction
{
    /// <summary>OVS <c>PT_USE_NEXT_PROTO</c>.</summary>
    public const uint FromHeader = 0xfffe;
}

/// <summary><c>multipath(fields,basis,algorithm,links,arg,dst)</c> (OVS <c>struct ofpact_multipath</c>).</summary>
/// <param name="HashFields">What is hashed.</param>
/// <param name="Basis">Seed of the hash.</param>
/// <param name="Algorithm">How a hash becomes a link.</param>
/// <param name="MaxLink">Number of links - 1.</param>
/// <param name="Argument">Argument of the algorithm.</param>
/// <param name="Destination">Where the number of the link is written.</param>
public sealed record OfMultipath(OfHashFields HashFields, ushort Basis, OfMultipathAlgorithm Algorithm, ushort MaxLink, uint Argument, Subfield Destination) : OfAction;

/// <summary>How <see cref="OfMultipath"/> chooses (OVS <c>NX_MP_ALG_*</c>).</summary>
public enum OfMultipathAlgorithm : ushort
{
    ModuloN,
    HashThreshold,
    HighestRandomWeight,
    IterativeHash,
}

/// <summary><c>bundle(fields,basis,algorithm,ofport,members:..)</c>, and <c>bundle_load</c> with a destination (OVS <c>struct ofpact_bundle</c>).</summary>
/// <param name="HashFields">What is hashed.</param>
/// <param name="Basis">Seed of the hash.</param>
/// <param name="Algorithm">How a port is chosen among those whose link is up.</param>
/// <param name="Members">OpenFlow ports, in order.</param>
/// <param name="Destination">Where the port is written; null = the packet is sent there.</param>
public sealed record OfBundle(OfHashFields HashFields, ushort Basis, OfBundleAlgorithm Algorithm, EquatableList<uint> Members, Subfield? Destination) : OfAction;

/// <summary>How <see cref="OfBundle"/> chooses (OVS <c>NX_BD_ALG_*</c>).</summary>
public enum OfBundleAlgorithm : ushort
{
    ActiveBackup,
    HighestRandomWeight,
}

/// <summary>What <see cref="OfMultipath"/> and <see cref="OfBundle"/> hash (OVS <c>enum nx_hash_fields</c>).</summary>
public enum OfHashFields : ushort
{
    EthSrc,
    SymmetricL4,
    SymmetricL3L4,
    SymmetricL3L4Udp,
    NwSrc,
    NwDst,
    SymmetricL3,
}

/// <summary><c>sample(probability=P,collector_set_id=C,obs_domain_id=D,obs_point_id=O,..)</c> (OVS <c>struct ofpact_sample</c>).</summary>
/// <param name="Probability">P of 65,535; at least 1.</param>
/// <param name="CollectorSetId">Collectors.</param>
/// <param name="ObservationDomainId">Domain, where <paramref name="ObservationDomainSource"/> is null.</param>
/// <param name="ObservationPointId">Point, where <paramref name="ObservationPointSource"/> is null.</param>
/// <param name="SamplingPort">OpenFlow port; null = none.</param>
/// <param name="Direction">Which way the packet goes, if that is told.</param>
/// <param name="ObservationDomainSource">The field that holds the domain.</param>
/// <param name="ObservationPointSource">The field that holds the point.</param>
public sealed record OfSample(
    ushort Probability,
    uint CollectorSetId,
    uint ObservationDomainId,
    uint ObservationPointId,
    uint? SamplingPort = null,
    OfSampleDirection Direction = OfSampleDirection.Default,
    Subfield? ObservationDomainSource = null,
    Subfield? ObservationPointSource = null) : OfAction;

/// <summary>Direction of a sample (OVS <c>enum nx_action_sample_direction</c>).</summary>
public enum OfSampleDirection : byte
{
    Default,
    Ingress,
    Egress,
}
