namespace Mergeflow.Engine.Keys;

/// <summary>
/// What one release of Open vSwitch does although a newer one, or the standard, does better. Whoever has to see what that release shows takes its
/// value; a switch in use takes <see cref="None"/>. One value for the whole datapath: no mixture of them is tested.
/// </summary>
public sealed record Quirks
{
    /// <summary>Rules up to which a table of Open vSwitch 3.1 is searched as it does: what recorded answers depend on, and no large table pays for it.</summary>
    private const int Ovs31StagedTableRules = 12;

    /// <summary>What <see cref="Ovs31Exact"/> has in its place; a lookup there takes time with each rule.</summary>
    private const int ExactTableRules = 4096;

    private Quirks()
    {
    }

    /// <summary>None: every megaflow is sound and as wide as it can be.</summary>
    public static Quirks None { get; } = new() { Name = "none" };

    /// <summary>Open vSwitch 3.1.0, with which the cases are recorded.</summary>
    public static Quirks Ovs31 { get; } = new()
    {
        Name = "ovs-3.1",
        SharesTaggedMegaflows = true,
        LeavesTrackedOut = true,
        PortsStandForStage = true,
        LosesUnlabelledStatistics = true,
        PurgeCountsForNewRules = true,
        StagedTableRules = Ovs31StagedTableRules,
        UnboundedSubtables = true,
        LateFragmentsFollow = true,
        ReleasedSharePort = true,
        ReopenedStaysInItsWay = true,
        NatWithoutAddressLosesAnswers = true,
        GatewaysMisreadTaggedIpv6 = true,
        ZonesShareDefaultLimit = true,
        ForgetsGateways = true,
        LeavesAtomicChecksums = true,
        EmptyFragmentEnds = true,
        ClashingIcmpIdsFail = true,
        QuotedFragmentsAreInvalid = true,
        ReportsWhenLearning = true,
    };

    /// <summary>The same where tables of any usual size make megaflows as narrow as Open vSwitch's: for datapaths whose dumps are compared with its own.</summary>
    public static Quirks Ovs31Exact { get; } = Ovs31 with { StagedTableRules = ExactTableRules, PortsStandForStage = false, ReplacesTags = true, FloodsByHash = true, RenewsIdleIds = true, PinsVlans = true };

    /// <summary>Every value.</summary>
    public static IReadOnlyList<Quirks> All { get; } = [None, Ovs31];

    /// <summary>As the command line and results name it.</summary>
    public string Name { get; private init; } = "";

    /// <summary>
    /// The megaflow of a single-tagged packet that loses its tag or gets another does not say that there was no second one: a double-tagged packet
    /// with the same outer tag then gets what the single-tagged one got, and of two megaflows that match the one with the older mask wins.
    /// </summary>
    public bool SharesTaggedMegaflows { get; private init; }

    /// <summary>Whether a packet has been tracked decides what <c>ct_clear</c> does and what a packet is when it goes on, and is in no mask for that.</summary>
    public bool LeavesTrackedOut { get; private init; }

    /// <summary>
    /// Where some bits of the ports show that no rule of a subtable matches, nothing else of the last stage is in the mask (corrected in Debian's 3.1.0-2+deb12u1 by "Fix missing masks on a final stage with ports trie").
    /// </summary>
    public bool PortsStandForStage { get; private init; }

    /// <summary>MPLS packets without a label: their megaflow goes when it has statistics to report, and these are lost.</summary>
    public bool LosesUnlabelledStatistics { get; private init; }

    /// <summary>What a purged megaflow still has to report is counted for the rules of a translation now, if it has reported nothing before.</summary>
    public bool PurgeCountsForNewRules { get; private init; }

    /// <summary>
    /// Tables of at most this many rules make megaflows as narrow as Open vSwitch's: lookups read stage by stage (<c>StagedLookup</c>), and
    /// what an action writes counts as read. 0 = megaflows are as wide as they can be everywhere.
    /// </summary>
    public int StagedTableRules { get; init; }

    /// <summary>No tag is rewritten in place: it is popped, and another one is pushed.</summary>
    public bool ReplacesTags { get; private init; }

    /// <summary><c>flood</c> and <c>all</c> send in the order of a hash table.</summary>
    public bool FloodsByHash { get; private init; }

    /// <summary>What a packet goes on with gets a new recirculation id when nothing refers to the old one any more, though it is still known.</summary>
    public bool RenewsIdleIds { get; private init; }

    /// <summary>When <c>normal</c> learns an address, all megaflows report what they have counted, not only those that depend on it.</summary>
    public bool ReportsWhenLearning { get; private init; }

    /// <summary>A megaflow of a tagged packet is one of its VLAN, also where nobody has looked at it, and that of an untagged one of no other (<c>dp_netdev_upcall</c>).</summary>
    public bool PinsVlans { get; private init; }

    /// <summary>The number of subtables has no bound, whatever limit is set.</summary>
    public bool UnboundedSubtables { get; private init; }

    /// <summary>The fragments of a datagram that is late go on as invalid, with the next packet that passes, instead of being dropped.</summary>
    public bool LateFragmentsFollow { get; private init; }

    /// <summary>What conntrack releases together is looked up at the port of the first packet.</summary>
    public bool ReleasedSharePort { get; private init; }

    /// <summary>
    /// The packet that reopens a closed connection whose NAT changes nothing is tracked, but neither new nor established: the old reply tuple is in
    /// its way.
    /// </summary>
    public bool ReopenedStaysInItsWay { get; private init; }

    /// <summary><c>commit,nat</c> without an address makes a connection whose answers are not recognised, unless it was expected.</summary>
    public bool NatWithoutAddressLosesAnswers { get; private init; }

    /// <summary>Behind a VLAN tag the gateways (<c>alg</c>) do not read IPv6.</summary>
    public bool GatewaysMisreadTaggedIpv6 { get; private init; }

    /// <summary>Zones without a limit of their own share the default limit.</summary>
    public bool ZonesShareDefaultLimit { get; private init; }

    /// <summary><c>ct</c> without <c>alg</c> does not know the gateway that a connection was committed with.</summary>
    public bool ForgetsGateways { get; private init; }

    /// <summary>The checksum of an atomic IPv6 fragment (RFC 6946) stays as it was when its addresses are rewritten.</summary>
    public bool LeavesAtomicChecksums { get; private init; }

    /// <summary>A last fragment without data ends a datagram, instead of being invalid.</summary>
    public bool EmptyFragmentEnds { get; private init; }

    /// <summary>
    /// An ICMP query over IPv4 that would look like another one behind NAT leaves untranslated and gets no connection, instead of another identifier.
    /// </summary>
    public bool ClashingIcmpIdsFail { get; private init; }

    /// <summary>An ICMP error over IPv4 that quotes a first fragment is invalid, instead of related to the connection of that fragment.</summary>
    public bool QuotedFragmentsAreInvalid { get; private init; }

    /// <summary>The value of that name; null when there is none.</summary>
    public static Quirks? Find(string name) => All.FirstOrDefault(q => q.Name == name);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
