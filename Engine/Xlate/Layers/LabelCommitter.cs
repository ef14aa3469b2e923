using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>Pops, sets and pushes that turn the packet's MPLS label stack into the flow's (OVS <c>commit_mpls_action</c>).</summary>
internal sealed unsafe class LabelCommitter(XlateContext context, FlowDifference difference)
{
    private readonly XlateContext _context = context;
    private readonly XlateFlow _flow = context.Flow;
    private readonly FlowDifference _difference = difference;

    /// <summary>Emits them.</summary>
    /// <param name="inFront">New entries stand in front of the packet's Ethernet header, if it has one.</param>
    public void Commit(bool inFront = false)
    {
        int have = LabelsOf(_flow.Base);
        int want = LabelsOf(_flow.Current);
        int common = 0;
        while (common < have && common < want
            && SameLse(LabelStack.LseAt(want - 1 - common), LabelStack.LseAt(have - 1 - common)))
        {
            common++;
        }

        while (have > common)
        {
            if (have - 1 == common && want > common)
            {
                SetOuterLse(want - have);
                common++;
                continue;
            }

            ushort type = !_flow.IsMpls && have > 1 ? EthType.Mpls : _flow.DlType;
            _context.Out.Add(DpOp.PopMpls).EthType = type;
            for (int i = 1; i < have; i++) CopyLse(_flow.Base, _flow.BaseLive, i, i - 1);
            *(uint*)(_flow.Base + LabelStack.LseAt(have - 1)) = 0;
            *(uint*)(_flow.BaseLive + LabelStack.LseAt(have - 1)) = 0;
            have--;
        }

        for (; have < want; have++)
        {
            int source = LabelStack.LseAt(want - have - 1);
            _flow.Consult(source, L.Window4);
            ref DpAction push = ref _context.Out.Add(inFront ? DpOp.AddMpls : DpOp.PushMpls);
            push.EthType = _flow.DlType;
            push.MplsLse = XlateFlow.Read32(_flow.Current, source);
            for (int i = have; i >= 1; i--) CopyLse(_flow.Base, _flow.BaseLive, i - 1, i);
            *(uint*)(_flow.Base + LabelStack.LseAt(0)) = *(uint*)(_flow.Current + source);
            *(uint*)(_flow.BaseLive + LabelStack.LseAt(0)) = 0;
        }

        *(ushort*)(_flow.Base + L.DlType) = *(ushort*)(_flow.Current + L.DlType);
    }

    /// <summary>Rewrites the packet's outer entry with the flow's entry <paramref name="index"/>.</summary>
    private void SetOuterLse(int index)
    {
        int source = LabelStack.LseAt(index);
        uint mask = uint.MaxValue;
        if (index == 0)
        {
            mask = (uint)_difference.Settle(source, L.Window4);
            if (mask == 0) return;
        }
        else
        {
            _flow.Consult(source, L.Window4);
            *(uint*)(_flow.Base + LabelStack.LseAt(0)) = *(uint*)(_flow.Current + source);
            *(uint*)(_flow.BaseLive + LabelStack.LseAt(0)) = 0;
        }

        ref DpAction set = ref _context.Out.Add(DpOp.SetMpls);
        set.Mpls.LseMask = new Be32(mask);
        set.Mpls.Lse = new Be32(*(uint*)(_flow.Current + source) & mask);
    }

    /// <summary>Entries agree: the same bits, both own or both constant.</summary>
    private bool SameLse(int flowOffset, int baseOffset)
    {
        uint live = *(uint*)(_flow.Live + flowOffset);
        uint baseLive = *(uint*)(_flow.BaseLive + baseOffset);
        if (flowOffset == baseOffset && live == baseLive) return *(uint*)(_flow.Current + flowOffset) == *(uint*)(_flow.Base + baseOffset);
        _flow.Consult(flowOffset, L.Window4);
        if (*(uint*)(_flow.Current + flowOffset) != *(uint*)(_flow.Base + baseOffset)) return false;
        *(uint*)(_flow.Consulted + baseOffset) |= baseLive;
        return true;
    }

    private static int LabelsOf(byte* flow)
    {
        if (XlateFlow.Read16(flow, L.DlType) is not (EthType.Mpls or EthType.MplsMcast)) return 0;
        int count = 0;
        for (int i = 0; i < LabelStack.MaxCount; i++)
        {
            uint entry = XlateFlow.Read32(flow, LabelStack.LseAt(i));
            if ((entry & LabelStack.BottomOfStack) != 0) return i + 1;
            if (entry != 0) count++;
        }

        return count;
    }

    private static void CopyLse(byte* flow, byte* live, int from, int to)
    {
        *(uint*)(flow + LabelStack.LseAt(to)) = *(uint*)(flow + LabelStack.LseAt(from));
        *(uint*)(live + LabelStack.LseAt(to)) = 0;
    }
}
