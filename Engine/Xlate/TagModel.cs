using System.Buffers.Binary;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Xlate;

/// <content>
/// VLAN tags, kept as a symbolic stack: a push or pop reads only whether tags are present; a tag's bits are consulted when they
/// have to be written out again, or become visible to rules after a pop.
/// </content>
public sealed unsafe partial class Translator
{
    private const ushort VlanPresent = 0x1000;
    private const ushort VlanPresentAndVid = 0x1fff;
    private const ushort VlanVid = 0xfff;

    /// <summary>The CFI bit in an 8-byte window at a TCI.</summary>
    private const ulong VlanPresentWindow = 0x10;

    private void BeginVlans()
    {
        _vlans = default;
        _nextTagId = 3;
        ushort outer = Tci(TranslatorLayout.Vlan0Tci);
        if ((outer & VlanPresent) != 0)
        {
            _vlans.Outer = new VlanTag { Id = 1, Tci = outer, Tpid = Tci(TranslatorLayout.Vlan0Tpid), LiveTci = ushort.MaxValue };
            _vlans.Count = 1;
            ushort inner = Tci(TranslatorLayout.Vlan1Tci);
            if ((inner & VlanPresent) != 0)
            {
                _vlans.Inner = new VlanTag { Id = 2, Tci = inner, Tpid = Tci(TranslatorLayout.Vlan1Tpid), LiveTci = ushort.MaxValue };
                _vlans.Count = 2;
            }
        }

        _baseVlans = _vlans;
        _isInnerOpen = false;
    }

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
    private void ReadStaged() => _out.TagsOverlap = true;

    /// <summary>What Open vSwitch counts for tagged MPLS packets depends on which of them share a megaflow.</summary>
    private static bool IsTaggedMpls(ref FlowKey key) => key.Vlan0Tci.Raw != 0 && key.DlType.Host is EthType.Mpls or EthType.MplsMcast;

    private bool IsMplsPacket => BinaryPrimitives.ReverseEndianness(*(ushort*)(_orig + TranslatorLayout.DlType)) is EthType.Mpls or EthType.MplsMcast;

    /// <summary>True if rules see a tag; consults just that.</summary>
    private bool ConsultVlanPresent()
    {
        Consult(TranslatorLayout.Vlan0Tci, VlanPresentWindow);
        return (_flow[TranslatorLayout.Vlan0Tci] & 0x10) != 0;
    }

    /// <summary>Consults which of the packet's own tags are there.</summary>
    private void ConsultVlanCount()
    {
        Consult(TranslatorLayout.Vlan0Tci, VlanPresentWindow);
        bool tagged = (_orig[TranslatorLayout.Vlan0Tci] & (byte)VlanPresentWindow) != 0;
        if (tagged && _pipeline.Options.VlanLimit != 1) _wc[TranslatorLayout.Vlan1Tci] |= (byte)VlanPresentWindow;
    }

    /// <summary>Writes TCI bits (host order); the CFI bit decides whether there is a tag afterwards.</summary>
    private void SetVlan(ushort value, ushort mask, bool pushes)
    {
        if (mask == 0) return;
        bool present = ConsultVlanPresent();
        if (!present && !pushes) return;
        bool wanted = (mask & VlanPresent) != 0 ? (value & VlanPresent) != 0 : present;
        if (!wanted)
        {
            // Bits of a TCI without CFI are no tag: rules see what was written, the packet gets none.
            if (present) ConsultVlanCount();
            _vlans = default;
            ushort kept = present ? (ushort)0 : (ushort)(Tci(TranslatorLayout.Vlan0Tci) & ~mask);
            Write(TranslatorLayout.Vlan0Tci, TranslatorLayout.Window2, BinaryPrimitives.ReverseEndianness((ushort)(kept | (value & mask))));
            _dirty = true;
            return;
        }

        if (!present)
        {
            value |= (ushort)(Tci(TranslatorLayout.Vlan0Tci) & ~mask);
            mask = ushort.MaxValue;
            _vlans = new TagStack { Count = 1, Outer = new VlanTag { Id = _nextTagId++, Tpid = EthType.Vlan } };
        }

        Write(TranslatorLayout.Vlan0Tci, BinaryPrimitives.ReverseEndianness(mask), BinaryPrimitives.ReverseEndianness(value));
        _dirty = true;
    }

    /// <summary>Pushes a tag with a zero TCI; of three the innermost is lost.</summary>
    private void PushVlan(ushort tpid)
    {
        if (!_pipeline.Options.Quirks.SharesTaggedMegaflows || _vlans.Count == 0) ConsultVlanCount();
        else ConsultWholeTags();
        SyncOuter();
        _vlans.Inner = _vlans.Outer;
        _vlans.Outer = new VlanTag { Id = _nextTagId++, Tpid = tpid };
        _vlans.Count = Math.Min(_vlans.Count + 1, TagStack.MaxCount);
        Write(TranslatorLayout.Vlan0Tci, TranslatorLayout.Window2, BinaryPrimitives.ReverseEndianness(VlanPresent));
        _dirty = true;
    }

    private void PopVlan()
    {
        bool isExact = !_pipeline.Options.Quirks.SharesTaggedMegaflows;
        if (isExact) ConsultVlanCount();
        if (_vlans.Count == 0)
        {
            // In an action list a rule has made sure of a tag; an action set may have met none.
            _ = ConsultVlanPresent();
            return;
        }

        if (!isExact && _vlans.Outer.Id == 1)
        {
            if (_vlans.Count == 1) LeaveInnerOpen();
            else ReadStaged();
        }

        _vlans.Outer = _vlans.Inner;
        _vlans.Inner = default;
        _vlans.Count--;
        ref VlanTag top = ref _vlans.Outer;
        if (_vlans.Count == 0) top = default;

        // The packet's second tag moves to where rules look: from here on it is known as a whole.
        if (top.Id == 2) ConsultTag(ref top, tpid: !isExact);
        Write(TranslatorLayout.Vlan0Tci, TranslatorLayout.Window2, BinaryPrimitives.ReverseEndianness(top.Tci));
        if (top.Id == 1) *(ushort*)(_live + TranslatorLayout.Vlan0Tci) = BinaryPrimitives.ReverseEndianness(top.LiveTci);
        _dirty = true;
    }

    /// <summary>Emits pops, a set and pushes that turn the packet's tags into the flow's.</summary>
    private void CommitVlan()
    {
        SyncOuter();
        int common = 0;
        while (common < _vlans.Count && common < _baseVlans.Count
            && IsSameTag(_vlans[_vlans.Count - 1 - common], _baseVlans[_baseVlans.Count - 1 - common]))
        {
            common++;
        }

        // Only the outermost tag of the packet can be rewritten in place: an inner one that changed is popped and pushed again.
        if (common == 2 && DiffersInner()) common = 0;
        for (int i = _baseVlans.Count; i > common; i--)
        {
            if (_pipeline.Options.Quirks.SharesTaggedMegaflows) ConsultWholeTag(i - common - 1);
            _out.Add(DpOp.PopVlan);
        }

        if (common > 0) RewriteOuter(_vlans[_vlans.Count - common], _baseVlans[_baseVlans.Count - common]);
        for (int i = _vlans.Count - common - 1; i >= 0; i--)
        {
            VlanTag tag = _vlans[i];
            ConsultTag(ref tag, tpid: true);
            ref DpAction push = ref _out.Add(DpOp.PushVlan);
            push.EthType = tag.Tpid;
            push.VlanTci = (ushort)(tag.Tci | VlanPresent);
        }

        // A tag that was pushed or restored is no longer the packet's own in the base; its bits are known, which is as good.
        _baseVlans = _vlans;
    }

    /// <summary>A tag that another one like it took the place of stays on the packet (OVS <c>flow_count_common_vlan_headers</c>), its DEI bit too.</summary>
    private bool IsSameTag(VlanTag wanted, VlanTag has)
    {
        if (wanted.Id == has.Id) return true;
        ConsultTag(ref wanted, tpid: true);
        bool isSame = ((wanted.Tci ^ has.Tci) & ~VlanPresent) == 0 && wanted.Tpid == has.Tpid;
        if (has.Id is not (1 or 2)) return isSame;
        if (_pipeline.Options.Quirks.SharesTaggedMegaflows) NoteComparison(has.Id - 1, isSame, (wanted.Tci ^ has.Tci) & VlanVid);
        else ConsultWholeTag(has.Id - 1);
        return isSame;
    }

    /// <summary>
    /// Open vSwitch compares a tag of the packet with the one that takes its place without a word in the mask: where they are the same, other tags get the
    /// megaflow too, by their VLAN or by what rules looked at. Both megaflows are marked, that of the same tag and that of another one that may meet it.
    /// </summary>
    private void NoteComparison(int index, bool isSame, int vidDiffers)
    {
        int tci = index == 0 ? TranslatorLayout.Vlan0Tci : TranslatorLayout.Vlan1Tci;
        int tpid = index == 0 ? TranslatorLayout.Vlan0Tpid : TranslatorLayout.Vlan1Tpid;
        int read = Tci(_wc, tci) | Tci(_excluded, tci);
        if (read == ushort.MaxValue && Tci(_wc, tpid) == ushort.MaxValue) return;
        if (!isSame && vidDiffers != 0 && (read == 0 || (read & VlanVid) == VlanVid)) return;
        _out.TagIsOpen = true;
        ReadStaged();
    }

    private bool DiffersInner()
        => _vlans.Inner.Id == _baseVlans.Inner.Id && ((_vlans.Inner.Tci ^ _baseVlans.Inner.Tci) | (_vlans.Inner.LiveTci ^ _baseVlans.Inner.LiveTci)) != 0;

    private void RewriteOuter(VlanTag wanted, VlanTag has)
    {
        if (wanted.Id != has.Id) return;
        int offset = wanted.Id == 2 ? TranslatorLayout.Vlan1Tci : TranslatorLayout.Vlan0Tci;

        // A tag that has the wanted bits stays as it is, with its DEI bit; one that has not is written anew, without: so which it is counts.
        int overwritten = ~wanted.LiveTci & has.LiveTci;
        if (wanted.Id <= 2) *(ushort*)(_wc + offset) |= BinaryPrimitives.ReverseEndianness((ushort)overwritten);
        ushort original = wanted.Id <= 2 ? Tci(_orig, offset) : (ushort)0;
        ushort restore = (ushort)(wanted.LiveTci & ~has.LiveTci);
        if (restore != 0) *(ushort*)(_wc + offset) |= BinaryPrimitives.ReverseEndianness(restore);
        int written = (overwritten & (original ^ wanted.Tci)) != 0 ? overwritten : 0;
        int changed = ~wanted.LiveTci & ~has.LiveTci & (wanted.Tci ^ has.Tci);
        int restored = restore & (original ^ has.Tci);
        ushort need = (ushort)((written | changed | restored) & ~VlanPresent);
        if (need == 0) return;
        ref DpAction set = ref _out.Add(DpOp.SetVlan);
        set.Vlan.TciMask = Native.Be16.FromHost((ushort)(need | VlanPresent));
        set.Vlan.Tci = Native.Be16.FromHost((ushort)((wanted.Tci & need) | VlanPresent));
    }

    /// <summary>Consults the bits of a tag that are still the packet's own.</summary>
    private void ConsultTag(ref VlanTag tag, bool tpid)
    {
        if (tag.Id is not (1 or 2)) return;
        *(ushort*)(_wc + (tag.Id == 2 ? TranslatorLayout.Vlan1Tci : TranslatorLayout.Vlan0Tci)) |= BinaryPrimitives.ReverseEndianness(tag.LiveTci);
        if (tpid) *(ushort*)(_wc + (tag.Id == 2 ? TranslatorLayout.Vlan1Tpid : TranslatorLayout.Vlan0Tpid)) = ushort.MaxValue;
    }

    /// <summary>Consults the tags that are there, as far as Open vSwitch does: that there is no second one is in no mask.</summary>
    private void ConsultWholeTags()
    {
        ConsultWholeTag(0);
        if (_vlans.Count > 1) ConsultWholeTag(1);
        if (_vlans.Outer.Id != 1) return;
        if (_vlans.Count == 1) LeaveInnerOpen();
        else ReadStaged();
    }

    private void ConsultWholeTag(int index)
    {
        *(ushort*)(_wc + (index == 0 ? TranslatorLayout.Vlan0Tci : TranslatorLayout.Vlan1Tci)) = ushort.MaxValue;
        *(ushort*)(_wc + (index == 0 ? TranslatorLayout.Vlan0Tpid : TranslatorLayout.Vlan1Tpid)) = ushort.MaxValue;
    }

    /// <summary>
    /// Open vSwitch takes out of the mask what concerns a second tag that the packet has not (<c>xlate_wc_finish</c>), whatever asked for it: a
    /// double-tagged packet shares the megaflow.
    /// </summary>
    private void LeaveAbsentTagOut()
    {
        if (!_pipeline.Options.Quirks.SharesTaggedMegaflows || (_orig[TranslatorLayout.Vlan0Tci] & (byte)VlanPresentWindow) == 0) return;
        ref ushort tci = ref *(ushort*)(_wc + TranslatorLayout.Vlan1Tci);
        ref ushort tpid = ref *(ushort*)(_wc + TranslatorLayout.Vlan1Tpid);
        if ((tci | tpid) == 0) return;
        if ((_orig[TranslatorLayout.Vlan1Tci] & (byte)VlanPresentWindow) != 0)
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
    private void FinishVlanMask()
    {
        if (!_isInnerOpen && !_out.TagIsOpen && (!IsMplsPacket || !_pipeline.Options.Quirks.SharesTaggedMegaflows)) return;
        ref ushort mask = ref *(ushort*)(_wc + TranslatorLayout.Vlan0Tci);
        mask = mask == 0 ? BinaryPrimitives.ReverseEndianness(VlanPresentAndVid) : (ushort)(mask | (ushort)VlanPresentWindow);
    }

    /// <summary>The outer tag's bits live in the flow; brings them back to the stack.</summary>
    private void SyncOuter()
    {
        if (_vlans.Count == 0) return;
        _vlans.Outer.Tci = Tci(TranslatorLayout.Vlan0Tci);

        // Tag 2 in front of rules is fully consulted: its bits stay the packet's own as long as nobody wrote them.
        if (_vlans.Outer.Id == 1) _vlans.Outer.LiveTci = Tci(_live, TranslatorLayout.Vlan0Tci);
        else if (_vlans.Outer.Id == 2) _vlans.Outer.LiveTci &= (ushort)~(_vlans.Outer.Tci ^ Tci(_orig, TranslatorLayout.Vlan1Tci));
    }

    private ushort Tci(int offset) => Tci(_flow, offset);

    private static ushort Tci(byte* flow, int offset) => BinaryPrimitives.ReverseEndianness(*(ushort*)(flow + offset));
}
