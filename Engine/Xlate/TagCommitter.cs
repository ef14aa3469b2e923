using System.Buffers.Binary;
using Mergeflow.Engine.Actions;
using Mergeflow.Native;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>Pops, a set and pushes that turn the packet's VLAN tags into the flow's (OVS <c>commit_vlan_action</c>).</summary>
internal sealed unsafe class TagCommitter(XlateContext context, TagModel tags)
{
    private readonly XlateContext _context = context;
    private readonly XlateFlow _flow = context.Flow;
    private readonly TagModel _tags = tags;

    /// <summary>Emits pops, a set and pushes that turn the packet's tags into the flow's.</summary>
    public void Commit()
    {
        _tags.SyncOuter();
        int common = 0;
        while (common < _tags.Tags.Count && common < _tags.BaseTags.Count
            && IsSameTag(_tags.Tags[_tags.Tags.Count - 1 - common], _tags.BaseTags[_tags.BaseTags.Count - 1 - common]))
        {
            common++;
        }

        // Only the outermost tag of the packet can be rewritten in place: an inner one that changed is popped and pushed again.
        if (common == 2 && DiffersInner()) common = 0;
        for (int i = _tags.BaseTags.Count; i > common; i--)
        {
            if (_tags.SharesMegaflows) _tags.ConsultWholeTag(i - common - 1);
            _context.Out.Add(DpOp.PopVlan);
        }

        if (common > 0) RewriteOuter(_tags.Tags[_tags.Tags.Count - common], _tags.BaseTags[_tags.BaseTags.Count - common]);
        for (int i = _tags.Tags.Count - common - 1; i >= 0; i--)
        {
            VlanTag tag = _tags.Tags[i];
            _tags.ConsultTag(ref tag, tpid: true);
            ref DpAction push = ref _context.Out.Add(DpOp.PushVlan);
            push.EthType = tag.Tpid;
            push.VlanTci = (ushort)(tag.Tci | TagModel.Present);
        }

        // A tag that was pushed or restored is no longer the packet's own in the base; its bits are known, which is as good.
        _tags.BaseTags = _tags.Tags;
    }

    /// <summary>A tag that another one like it took the place of stays on the packet (OVS <c>flow_count_common_vlan_headers</c>), its DEI bit too.</summary>
    private bool IsSameTag(VlanTag wanted, VlanTag has)
    {
        if (wanted.Id == has.Id) return true;
        _tags.ConsultTag(ref wanted, tpid: true);
        bool isSame = ((wanted.Tci ^ has.Tci) & ~TagModel.Present) == 0 && wanted.Tpid == has.Tpid;
        if (has.Id is not (1 or 2)) return isSame;
        if (_tags.SharesMegaflows) NoteComparison(has.Id - 1, isSame, (wanted.Tci ^ has.Tci) & TagModel.Vid);
        else _tags.ConsultWholeTag(has.Id - 1);
        return isSame;
    }

    /// <summary>
    /// Open vSwitch compares a tag of the packet with the one that takes its place without a word in the mask: where they are the same, other tags get the
    /// megaflow too, by their VLAN or by what rules looked at. Both megaflows are marked, that of the same tag and that of another one that may meet it.
    /// </summary>
    private void NoteComparison(int index, bool isSame, int vidDiffers)
    {
        int tci = index == 0 ? L.Vlan0Tci : L.Vlan1Tci;
        int tpid = index == 0 ? L.Vlan0Tpid : L.Vlan1Tpid;
        int read = XlateFlow.Read16(_flow.Consulted, tci) | XlateFlow.Read16(_flow.Excluded, tci);
        if (read == ushort.MaxValue && XlateFlow.Read16(_flow.Consulted, tpid) == ushort.MaxValue) return;
        if (!isSame && vidDiffers != 0 && (read == 0 || (read & TagModel.Vid) == TagModel.Vid)) return;
        _context.Out.TagIsOpen = true;
        _tags.ReadStaged();
    }

    private bool DiffersInner()
        => _tags.Tags.Inner.Id == _tags.BaseTags.Inner.Id && ((_tags.Tags.Inner.Tci ^ _tags.BaseTags.Inner.Tci) | (_tags.Tags.Inner.LiveTci ^ _tags.BaseTags.Inner.LiveTci)) != 0;

    private void RewriteOuter(VlanTag wanted, VlanTag has)
    {
        if (wanted.Id != has.Id) return;
        int offset = wanted.Id == 2 ? L.Vlan1Tci : L.Vlan0Tci;

        // A tag that has the wanted bits stays as it is, with its DEI bit; one that has not is written anew, without: so which it is counts.
        int overwritten = ~wanted.LiveTci & has.LiveTci;
        if (wanted.Id <= 2) *(ushort*)(_flow.Consulted + offset) |= BinaryPrimitives.ReverseEndianness((ushort)overwritten);
        ushort original = wanted.Id <= 2 ? XlateFlow.Read16(_flow.Original, offset) : (ushort)0;
        ushort restore = (ushort)(wanted.LiveTci & ~has.LiveTci);
        if (restore != 0) *(ushort*)(_flow.Consulted + offset) |= BinaryPrimitives.ReverseEndianness(restore);
        int written = (overwritten & (original ^ wanted.Tci)) != 0 ? overwritten : 0;
        int changed = ~wanted.LiveTci & ~has.LiveTci & (wanted.Tci ^ has.Tci);
        int restored = restore & (original ^ has.Tci);
        ushort need = (ushort)((written | changed | restored) & ~TagModel.Present);
        if (need == 0) return;
        if (_tags.ReplacesTags)
        {
            // Open vSwitch rewrites no tag in place, and what is pushed has all bits of the one that was there.
            if (has.Id is 1 or 2) _tags.ConsultWholeTag(has.Id - 1);
            _context.Out.Add(DpOp.PopVlan);
            ref DpAction push = ref _context.Out.Add(DpOp.PushVlan);
            (push.EthType, push.VlanTci) = (wanted.Tpid, (ushort)(wanted.Tci | TagModel.Present));
            return;
        }

        ref DpAction set = ref _context.Out.Add(DpOp.SetVlan);
        set.Vlan.TciMask = Be16.FromHost((ushort)(need | TagModel.Present));
        set.Vlan.Tci = Be16.FromHost((ushort)((wanted.Tci & need) | TagModel.Present));
    }
}
