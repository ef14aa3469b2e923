using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Lookup;

/// <summary>
/// One datapath flow: a masked key, a program, and the OpenFlow rules whose statistics it carries (OVS <c>struct dp_netdev_flow</c> + <c>udpif_key</c>).
/// The hot part lives in unmanaged memory: <see cref="Hot"/>.
/// </summary>
public sealed unsafe class Megaflow
{
    /// <summary>Slot in the megaflow table; reused after deletion with another <see cref="Generation"/>.</summary>
    public required int Id { get; init; }

    /// <summary>Distinguishes the users of one slot, and moves when the program is replaced.</summary>
    public uint Generation;

    /// <summary>key &amp; mask.</summary>
    public FlowKey Value;

    /// <summary>Consulted bits.</summary>
    public FlowKey Mask;

    /// <summary>The unmasked key of the packet that caused the megaflow; re-translated by the revalidator.</summary>
    public FlowKey FullKey;

    /// <summary>Length of that packet.</summary>
    public int FullLengthBytes { get; set; }

    /// <summary>Unmanaged counters and program; null once freed.</summary>
    public MegaflowHot* Hot;

    /// <summary>OpenFlow rules that the translation went through, one entry per visit (a rule visited twice stands twice).</summary>
    public required OfRule[] Rules { get; set; }

    /// <summary>Counters of the groups and buckets that the translation went through, one entry per visit.</summary>
    public OfRuleStats[] Groups { get; set; } = [];

    /// <summary>Tables that the translation looked up.</summary>
    internal VisitedTables Visited;

    /// <summary>Where <see cref="MegaflowClasses"/> has it.</summary>
    internal ClassPlace Class;

    /// <summary>Recirculation ids that the program refers to; each holds a reference.</summary>
    public required uint[] RecircIds { get; set; }

    /// <summary>Records that the program memory of the slot has room for.</summary>
    internal int ProgramCapacity { get; set; }

    /// <summary>The translation cannot be cached by hardware (controller, normal, ...).</summary>
    public bool FromSlowPath { get; set; }

    /// <summary>A rule wants its packets treated one by one (<c>debug_slow</c>).</summary>
    public bool IsSlowByOrder { get; set; }

    /// <summary>Addresses that <c>normal</c> learns from each of its packets.</summary>
    public LearnedAddress[] Learned { get; set; } = [];

    /// <summary>Rules that <c>learn</c> adds for each of its packets.</summary>
    public LearnedRule[] LearnedRules { get; set; } = [];

    /// <summary>Timeouts that end sooner when one of its packets ends a connection.</summary>
    public FinTimeout[] FinTimeouts { get; set; } = [];

    /// <summary>Where <see cref="MacDependents"/> has it: one place per address that the translation asked for.</summary>
    internal MacDependents.MacPlace[] MacPlaces { get; set; } = [];

    /// <summary>It stands there; else <see cref="MacPlaces"/> is room for the slot's next user.</summary>
    internal bool HasMacPlaces { get; set; }

    /// <summary>
    /// The program takes tags off or pushes one onto another without a look at whether there is a second one: for double-tagged packets other megaflows
    /// can match as well and say otherwise.
    /// </summary>
    public bool TagsOverlap { get; set; }

    /// <summary>The program depends on a tag that the mask does not have as a whole: it is what the first packet got, and no other table may repeat it.</summary>
    public bool TagIsOpen { get; set; }

    /// <summary>Why it drops its packets, as <c>DropReason</c>; 0 = it does not.</summary>
    public byte DropReason { get; set; }

    public bool Dead { get; set; }

    /// <summary>Packets already pushed to <see cref="Rules"/>.</summary>
    public ulong SettledPackets { get; set; }

    /// <summary>Bytes already pushed to <see cref="Rules"/>.</summary>
    public ulong SettledBytes { get; set; }

    /// <summary>What megaflows had counted whose place it took when rules changed: to people it is the same one (OVS <c>UKEY_MODIFY</c>).</summary>
    public (ulong Packets, ulong Bytes, long LastUsedMs) Inherited { get; set; }

    /// <summary>It has reported packets before: later ones go to the same rules when it is purged (OVS: the ukey has an <c>xcache</c>).</summary>
    public bool HasReported { get; set; }

    /// <summary>It was put in by hand, so no packet has made it, and none of those it has counted is its maker's.</summary>
    public bool IsGiven { get; set; }

    /// <summary>It was put in by hand, and no revalidator has held it against the tables.</summary>
    public bool IsUnchecked { get; set; }

    /// <summary>The name that it was given; null = the one that comes of key and mask.</summary>
    public Guid? GivenUfid { get; set; }

    public long CreatedMs { get; set; }

    /// <summary>Megaflows that its table has made before it.</summary>
    public long Order { get; set; }
}
