using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// A packet's header as a function of its original header, bit by bit: <c>Constant(v)</c>, or <c>Original</c> at the same place, or, for
/// tags, at another place of the stack. Network fields behind a label are <c>Function</c>: unknown.
/// </summary>
/// <remarks>
/// <see cref="Current"/> is what the recorded packet looked like at this moment; <see cref="Constant"/> says which of its bits every packet of
/// the merged rule shares because something wrote them.
/// </remarks>
internal struct SymbolicHeader
{
    public FlowKey Current;
    public FlowKey Constant;
    public VlanStack Vlan;
    public MplsStack Mpls;

    /// <summary>Length now minus original length.</summary>
    public int LengthDeltaBytes;

    /// <summary>Network fields are behind an MPLS label, or came to light from behind one.</summary>
    public bool NetworkHidden;

    /// <summary>The connection's original tuple is constant, but its value was not recorded.</summary>
    public bool CtTupleOpaque;

    /// <summary>Which encapsulation stands in front of it, from 1 on; 0 = none.</summary>
    public int Push;

    /// <summary>A port was rewritten: a packet without an L4 header would have been left alone.</summary>
    public bool L4Rewritten;

    /// <summary>The untouched header of a packet that has just arrived, or has just come out of a tunnel: then the fields of the outer one belong to it.</summary>
    public static void Init(out SymbolicHeader h, ref FlowKey original, bool isTunnelled)
    {
        h = new SymbolicHeader { Current = original, Constant = KeyMasks.Metadata };
        if (isTunnelled) FlowKey.Lane(ref h.Constant, Lanes.Tunnel) = FlowKey.Lane(ref h.Constant, Lanes.TunnelIpv6) = Vector256<byte>.Zero;
    }

    /// <summary>Overwrites the bits of <paramref name="mask"/> (not tags, not labels).</summary>
    public void Write(ref FlowKey value, ref FlowKey mask)
    {
        for (int i = 0; i < FlowKey.LaneCount; i++)
        {
            Vector256<byte> m = FlowKey.Lane(ref mask, i);
            ref Vector256<byte> c = ref FlowKey.Lane(ref Current, i);
            c = Vector256.ConditionalSelect(m, FlowKey.Lane(ref value, i), c);
            FlowKey.Lane(ref Constant, i) |= m;
        }
    }

    /// <summary>
    /// Pulls the consulted bits <paramref name="mask"/> back to the original header and adds them to <paramref name="merged"/>.
    /// False if a bit cannot be expressed there.
    /// </summary>
    public readonly bool PullBack(ref FlowKey mask, ref FlowKey merged)
    {
        if (NetworkHidden && KeyBits.Intersects(ref mask, ref KeyMasks.Network)) return false;
        bool stacks = KeyBits.Intersects(ref mask, ref KeyMasks.Stacks);
        for (int i = 0; i < FlowKey.LaneCount; i++)
        {
            Vector256<byte> bits = Vector256.AndNot(FlowKey.Lane(ref mask, i), FlowKey.Lane(ref Unsafe.AsRef(in Constant), i));
            if (stacks) bits = Vector256.AndNot(bits, FlowKey.Lane(ref KeyMasks.Stacks, i));
            FlowKey.Lane(ref merged, i) |= bits;
        }

        if (stacks && !(PullBackTags(ref mask, ref merged) && PullBackLabels(ref mask, ref merged))) return false;
        if (L4Rewritten && (mask.TpSrc.Raw | mask.TpDst.Raw) != 0) merged.TpSrc = merged.TpDst = new Be16(0xffff);
        return true;
    }

    private readonly bool PullBackTags(ref FlowKey mask, ref FlowKey merged)
        => PullBackTag(0, mask.Vlan0Tci.Raw, mask.Vlan0Tpid.Raw, ref merged)
        && PullBackTag(1, mask.Vlan1Tci.Raw, mask.Vlan1Tpid.Raw, ref merged);

    private readonly bool PullBackTag(int slot, ushort tci, ushort tpid, ref FlowKey merged)
    {
        if ((tci | tpid) == 0 || slot < Vlan.Pushes) return true;
        int origin = slot - Vlan.Pushes + Vlan.Pops;
        if (slot == Vlan.Pushes) tci = (ushort)(tci & ~Be16.FromHost(Vlan.SetMask).Raw);
        switch (origin)
        {
            case 0:
                merged.Vlan0Tci = new Be16((ushort)(merged.Vlan0Tci.Raw | tci));
                merged.Vlan0Tpid = new Be16((ushort)(merged.Vlan0Tpid.Raw | tpid));
                return true;
            case 1:
                merged.Vlan1Tci = new Be16((ushort)(merged.Vlan1Tci.Raw | tci));
                merged.Vlan1Tpid = new Be16((ushort)(merged.Vlan1Tpid.Raw | tpid));
                return true;
            default:
                // A third tag shows as dl_type; popping pins dl_type to something else, so there is none.
                return true;
        }
    }

    private readonly bool PullBackLabels(ref FlowKey mask, ref FlowKey merged)
        => PullBackLabel(0, mask.MplsLse0.Raw, ref merged)
        && PullBackLabel(1, mask.MplsLse1.Raw, ref merged)
        && PullBackLabel(2, mask.MplsLse2.Raw, ref merged);

    private readonly bool PullBackLabel(int slot, uint lse, ref FlowKey merged)
    {
        if (lse == 0 || slot < Mpls.Pushes) return true;
        int origin = slot - Mpls.Pushes + Mpls.Pops;
        if (slot == Mpls.Pushes) lse &= ~Be32.FromHost(Mpls.SetMask).Raw;
        switch (origin)
        {
            case 0: merged.MplsLse0 = new Be32(merged.MplsLse0.Raw | lse); return true;
            case 1: merged.MplsLse1 = new Be32(merged.MplsLse1.Raw | lse); return true;
            case 2: merged.MplsLse2 = new Be32(merged.MplsLse2.Raw | lse); return true;
            default: return lse == 0;
        }
    }
}

/// <summary>The header as it left on one port.</summary>
internal struct OutputSnapshot
{
    public uint Port;
    public SymbolicHeader Header;
}
