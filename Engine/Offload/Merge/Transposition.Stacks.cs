using Mergeflow.Engine.Actions;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>Push and pop actions.</summary>
internal sealed partial class Transposition
{
    private void EmitTags(ref VlanStack from, ref VlanStack to)
    {
        if (from.Same(in to)) return;
        bool sameBase = from.Pops == to.Pops && from.SetMask == to.SetMask && from.SetTci == to.SetTci;
        int keep = 0;
        if (sameBase)
        {
            while (keep < from.Pushes && keep < to.Pushes && from.Pushed[keep] == to.Pushed[keep]) keep++;
        }

        int remove = from.Pushes - keep;
        int popOriginal = to.Pops - from.Pops;
        int add = keep;

        // pop + push of a tag with the same TPID is one set.
        bool replacePushed = popOriginal == 0 && sameBase && remove > 0 && to.Pushes > keep && (from.Pushed[keep] >> 16) == (to.Pushed[keep] >> 16);
        bool replaceOriginal = popOriginal > 0 && to.SetMask == 0 && to.Pushes > 0 && OriginalTpid(to.Pops - 1) == (to.Pushed[0] >> 16);
        int pops = remove + popOriginal - (replacePushed || replaceOriginal ? 1 : 0);
        for (int i = 0; i < pops; i++) _program.Add(new DpAction { Op = DpOp.PopVlan });
        if (replacePushed || replaceOriginal) AddSetVlan((ushort)to.Pushed[add++], 0xffff);
        else if (to.SetMask != 0 && !sameBase) AddSetVlan(to.SetTci, to.SetMask);
        for (; add < to.Pushes; add++)
        {
            _program.Add(new DpAction { Op = DpOp.PushVlan, EthType = (ushort)(to.Pushed[add] >> 16), VlanTci = (ushort)to.Pushed[add] });
        }
    }

    private void AddSetVlan(ushort tci, ushort mask)
    {
        DpAction a = new() { Op = DpOp.SetVlan };
        a.Vlan.Tci = Be16.FromHost((ushort)(tci & mask));
        a.Vlan.TciMask = Be16.FromHost(mask);
        _program.Add(a);
    }

    /// <summary>TPID of a tag of the original packet if the rule pins it, else 0.</summary>
    private uint OriginalTpid(int index)
    {
        if (index > 1) return 0;
        ushort mask = index == 0 ? _pinned.Vlan0Tpid.Host : _pinned.Vlan1Tpid.Host;
        ushort tpid = index == 0 ? _original.Vlan0Tpid.Host : _original.Vlan1Tpid.Host;
        return mask == 0xffff ? tpid : 0u;
    }

    private void EmitLabels(ref MplsStack from, ref MplsStack to)
    {
        if (from.Same(in to)) return;
        for (int i = from.Pops; i < to.Pops; i++) _program.Add(new DpAction { Op = DpOp.PopMpls, EthType = (ushort)to.PopTypes[i] });
        if (to.SetMask != 0 && from.SetMask == 0)
        {
            DpAction a = new() { Op = DpOp.SetMpls };
            a.Mpls.Lse = Be32.FromHost(to.SetLse & to.SetMask);
            a.Mpls.LseMask = Be32.FromHost(to.SetMask);
            _program.Add(a);
        }

        for (int i = from.Pushes; i < to.Pushes; i++)
        {
            _program.Add(new DpAction { Op = DpOp.PushMpls, EthType = (ushort)to.PushTypes[i], MplsLse = to.Pushed[i] });
        }
    }
}
