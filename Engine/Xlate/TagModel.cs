using System.Buffers.Binary;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>
/// VLAN tags, kept as a symbolic stack: a push or pop reads only whether tags are present; a tag's bits are consulted when they
/// have to be written out again, or become visible to rules after a pop.
/// </summary>
internal sealed unsafe class TagModel(XlateContext context)
{
    /// <summary>The CFI bit of a TCI, host order: there is a tag.</summary>
    public const ushort Present = KeyMasks.VlanPresent;

    /// <summary>The VLAN id of a TCI, host order.</summary>
    public const ushort Vid = 0xfff;

    /// <summary>The CFI bit in an 8-byte window at a TCI.</summary>
    public const ulong PresentWindow = 0x10;

    /// <summary>The VLAN id in an 8-byte window at a TCI.</summary>
    public const ulong VidWindow = 0xff0f;

    private readonly XlateContext _context = context;
    private readonly XlateFlow _flow = context.Flow;
    private readonly int _limit = context.Pipeline.Options.VlanLimit;
    private int _nextTagId;
    private bool _isInnerOpen;

    /// <summary>The flow's tags.</summary>
    public TagStack Tags;

    /// <summary>The tags that the datapath's packet has.</summary>
    public TagStack BaseTags;

    /// <summary>See <see cref="Quirks.SharesTaggedMegaflows"/>.</summary>
    public bool SharesMegaflows { get; } = context.Pipeline.Options.Quirks.SharesTaggedMegaflows;

    /// <summary>See <see cref="Quirks.ReplacesTags"/>.</summary>
    public bool ReplacesTags { get; } = context.Pipeline.Options.Quirks.ReplacesTags;

    /// <summary>The tags that the packet came with.</summary>
    public void Begin()
    {
        Tags = default;
        _nextTagId = 3;
        ushort outer = _flow.Read16(L.Vlan0Tci);
        if ((outer & Present) != 0)
        {
            Tags.Outer = new VlanTag { Id = 1, Tci = outer, Tpid = _flow.Read16(L.Vlan0Tpid), LiveTci = ushort.MaxValue };
            Tags.Count = 1;
            ushort inner = _flow.Read16(L.Vlan1Tci);
            if ((inner & Present) != 0)
            {
                Tags.Inner = new VlanTag { Id = 2, Tci = inner, Tpid = _flow.Read16(L.Vlan1Tpid), LiveTci = ushort.MaxValue };
                Tags.Count = 2;
            }
        }

        BaseTags = Tags;
        _isInnerOpen = false;
    }

    /// <summary>Headers have been put in front of those that the packet had: there is no tag in them.</summary>
    public void TakeOff() => Tags = BaseTags = default;

    /// <summary>From here on double-tagged packets share the megaflow, so it must be as narrow as Open vSwitch's.</summary>
    private void LeaveInnerOpen()
    {
        _isInnerOpen = true;
        ReadStaged();
    }

    /// <summary>
    /// Megaflows that overlap are tried in the order in which their masks came up on the port, so those of double-tagged packets need Open
    /// vSwitch's masks too: the packet is translated again, and all lookups read what Open vSwitch's do.
    /// </summary>
    public void ReadStaged() => _context.Out.TagsOverlap = true;

    /// <summary>What Open vSwitch counts for tagged MPLS packets depends on which of them share a megaflow.</summary>
    public static bool IsTaggedMpls(ref FlowKey key) => key.Vlan0Tci.Raw != 0 && key.DlType.Host is EthType.Mpls or EthType.MplsMcast;

    private bool IsMplsPacket => XlateFlow.Read16(_flow.Original, L.DlType) is EthType.Mpls or EthType.MplsMcast;

    /// <summary>Consults which of the packet's own tags are there.</summary>
    public void ConsultCount()
    {
        _flow.Consult(L.Vlan0Tci, PresentWindow);
        bool tagged = (_flow.Original[L.Vlan0Tci] & (byte)PresentWindow) != 0;
        if (tagged && _limit != 1) _flow.Consulted[L.Vlan1Tci] |= (byte)PresentWindow;
    }

    /// <summary>Writes TCI bits (host order); the CFI bit decides whether there is a tag afterwards.</summary>
    public void Set(ushort value, ushort mask, bool pushes)
    {
        if (mask == 0) return;
        bool present = _flow.ConsultVlanPresent();
        if (!present && !pushes) return;
        if (_context.ReadsWhatItWrites) _flow.Consult(L.Vlan0Tci, BinaryPrimitives.ReverseEndianness(mask));
        bool wanted = (mask & Present) != 0 ? (value & Present) != 0 : present;
        if (!wanted)
        {
            // Bits of a TCI without CFI are no tag: rules see what was written, the packet gets none.
            if (present) ConsultCount();
            Tags = default;
            ushort kept = present ? (ushort)0 : (ushort)(_flow.Read16(L.Vlan0Tci) & ~mask);
            _flow.Write(L.Vlan0Tci, L.Window2, BinaryPrimitives.ReverseEndianness((ushort)(kept | (value & mask))));
            _flow.IsDirty = true;
            return;
        }

        if (!present)
        {
            value |= (ushort)(_flow.Read16(L.Vlan0Tci) & ~mask);
            mask = ushort.MaxValue;
            Tags = new TagStack { Count = 1, Outer = new VlanTag { Id = _nextTagId++, Tpid = EthType.Vlan } };
        }

        _flow.Write(L.Vlan0Tci, BinaryPrimitives.ReverseEndianness(mask), BinaryPrimitives.ReverseEndianness(value));
        _flow.IsDirty = true;
    }

    /// <summary>Pushes a tag with a zero TCI; of three the innermost is lost.</summary>
    public void Push(ushort tpid)
    {
        if (!SharesMegaflows || Tags.Count == 0) ConsultCount();
        else ConsultWholeTags();
        SyncOuter();
        Tags.Inner = Tags.Outer;
        Tags.Outer = new VlanTag { Id = _nextTagId++, Tpid = tpid };
        Tags.Count = Math.Min(Tags.Count + 1, TagStack.MaxCount);
        _flow.Write(L.Vlan0Tci, L.Window2, BinaryPrimitives.ReverseEndianness(Present));
        _flow.IsDirty = true;
    }

    /// <summary>Pops the outer tag, if there is one.</summary>
    public void Pop()
    {
        bool isExact = !SharesMegaflows;
        if (isExact) ConsultCount();
        if (Tags.Count == 0)
        {
            // In an action list a rule has made sure of a tag; an action set may have met none.
            _ = _flow.ConsultVlanPresent();
            return;
        }

        if (!isExact && Tags.Outer.Id == 1)
        {
            if (Tags.Count == 1) LeaveInnerOpen();
            else ReadStaged();
        }

        Tags.Outer = Tags.Inner;
        Tags.Inner = default;
        Tags.Count--;
        ref VlanTag top = ref Tags.Outer;
        if (Tags.Count == 0) top = default;

        // The packet's second tag moves to where rules look: from here on it is known as a whole.
        if (top.Id == 2) ConsultTag(ref top, tpid: !isExact);
        _flow.Write(L.Vlan0Tci, L.Window2, BinaryPrimitives.ReverseEndianness(top.Tci));
        if (top.Id == 1) *(ushort*)(_flow.Live + L.Vlan0Tci) = BinaryPrimitives.ReverseEndianness(top.LiveTci);
        _flow.IsDirty = true;
    }

    /// <summary>The frame has these tags from here on: its own, which have been consulted, or such with <see cref="VlanTag.Id"/> 0, which are new.</summary>
    public void Replace(TagStack tags)
    {
        if (tags.Count > 0 && tags.Outer.Id == 0) tags.Outer.Id = _nextTagId++;
        if (tags.Count > 1 && tags.Inner.Id == 0) tags.Inner.Id = _nextTagId++;
        Tags = tags;
        _flow.Write(L.Vlan0Tci, L.Window2, BinaryPrimitives.ReverseEndianness(tags.Count > 0 ? tags.Outer.Tci : (ushort)0));
        if (tags.Count > 0 && tags.Outer.Id == 1) *(ushort*)(_flow.Live + L.Vlan0Tci) = BinaryPrimitives.ReverseEndianness(tags.Outer.LiveTci);
        _flow.IsDirty = true;
    }

    /// <summary>Consults the bits of a tag that are still the packet's own.</summary>
    public void ConsultTag(ref VlanTag tag, bool tpid)
    {
        if (tag.Id is not (1 or 2)) return;
        *(ushort*)(_flow.Consulted + (tag.Id == 2 ? L.Vlan1Tci : L.Vlan0Tci)) |= BinaryPrimitives.ReverseEndianness(tag.LiveTci);
        if (tpid) *(ushort*)(_flow.Consulted + (tag.Id == 2 ? L.Vlan1Tpid : L.Vlan0Tpid)) = ushort.MaxValue;
    }

    /// <summary>Consults the tags that are there, as far as Open vSwitch does: that there is no second one is in no mask.</summary>
    private void ConsultWholeTags()
    {
        ConsultWholeTag(0);
        if (Tags.Count > 1) ConsultWholeTag(1);
        if (Tags.Outer.Id != 1) return;
        if (Tags.Count == 1) LeaveInnerOpen();
        else ReadStaged();
    }

    /// <summary>Consults one of the packet's own tags, 0 or 1 from outside, TPID included.</summary>
    public void ConsultWholeTag(int index)
    {
        *(ushort*)(_flow.Consulted + (index == 0 ? L.Vlan0Tci : L.Vlan1Tci)) = ushort.MaxValue;
        *(ushort*)(_flow.Consulted + (index == 0 ? L.Vlan0Tpid : L.Vlan1Tpid)) = ushort.MaxValue;
    }

    /// <summary>
    /// Open vSwitch takes out of the mask what concerns a second tag that the packet has not (<c>xlate_wc_finish</c>), whatever asked for it: a
    /// double-tagged packet shares the megaflow.
    /// </summary>
    public void LeaveAbsentTagOut()
    {
        if (!SharesMegaflows || (_flow.Original[L.Vlan0Tci] & (byte)PresentWindow) == 0) return;
        ref ushort tci = ref *(ushort*)(_flow.Consulted + L.Vlan1Tci);
        ref ushort tpid = ref *(ushort*)(_flow.Consulted + L.Vlan1Tpid);
        if ((tci | tpid) == 0) return;
        if ((_flow.Original[L.Vlan1Tci] & (byte)PresentWindow) != 0)
        {
            ReadStaged();
            return;
        }

        tci = tpid = 0;
        LeaveInnerOpen();
    }

    /// <summary>
    /// The outer tag in a mask that leaves open whether there is a second one, as Open vSwitch installs it: that it is there and its VLAN
    /// if no rule looked at it, else what they looked at and that it is there. For MPLS packets too: what Open vSwitch counts depends on it.
    /// </summary>
    public void FinishMask()
    {
        if (!_isInnerOpen && !_context.Out.TagIsOpen && (!IsMplsPacket || !SharesMegaflows)) return;
        ref ushort mask = ref *(ushort*)(_flow.Consulted + L.Vlan0Tci);
        mask = mask == 0 ? BinaryPrimitives.ReverseEndianness((ushort)(Present | Vid)) : (ushort)(mask | (ushort)PresentWindow);
    }

    /// <summary>Puts the flow's tags where a packet's key has them.</summary>
    public void Show(ref FlowKey key)
    {
        SyncOuter();
        (key.Vlan0Tpid, key.Vlan1Tpid, key.Vlan1Tci) = (default, default, default);
        if (Tags.Count > 0) (key.Vlan0Tpid, key.Vlan0Tci) = (Be16.FromHost(Tags.Outer.Tpid), Be16.FromHost(Tags.Outer.Tci));
        if (Tags.Count > 1) (key.Vlan1Tpid, key.Vlan1Tci) = (Be16.FromHost(Tags.Inner.Tpid), Be16.FromHost(Tags.Inner.Tci));
    }

    /// <summary>The outer tag's bits live in the flow; brings them back to the stack.</summary>
    public void SyncOuter()
    {
        if (Tags.Count == 0) return;
        Tags.Outer.Tci = _flow.Read16(L.Vlan0Tci);

        // Tag 2 in front of rules is fully consulted: its bits stay the packet's own as long as nobody wrote them.
        if (Tags.Outer.Id == 1) Tags.Outer.LiveTci = XlateFlow.Read16(_flow.Live, L.Vlan0Tci);
        else if (Tags.Outer.Id == 2) Tags.Outer.LiveTci &= (ushort)~(Tags.Outer.Tci ^ XlateFlow.Read16(_flow.Original, L.Vlan1Tci));
    }
}

/// <summary>A symbolic VLAN stack of at most two tags, outermost first.</summary>
internal struct TagStack
{
    /// <summary>Tags that a flow has room for (OVS <c>FLOW_MAX_VLAN_HEADERS</c>).</summary>
    public const int MaxCount = 2;

    public int Count;
    public VlanTag Outer;
    public VlanTag Inner;

    /// <summary>Tag <paramref name="index"/> from outside, 0 or 1.</summary>
    public readonly VlanTag this[int index] => index == 0 ? Outer : Inner;
}

/// <summary>One tag of a symbolic VLAN stack.</summary>
internal struct VlanTag
{
    /// <summary>Identity: 1 and 2 are the packet's own tags from outside in, higher ones were pushed by actions.</summary>
    public int Id;

    /// <summary>Host order, 0x1000 set.</summary>
    public ushort Tci;

    public ushort Tpid;

    /// <summary>TCI bits that are still the packet's own; only for tags 1 and 2.</summary>
    public ushort LiveTci;
}
