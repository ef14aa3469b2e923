using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>Whether the packet has been through conntrack, and <c>ct</c> (OVS <c>compose_conntrack_action</c>).</summary>
internal sealed unsafe class CtXlate(XlateContext context)
{
    private readonly XlateContext _context = context;
    private readonly XlateFlow _flow = context.Flow;
    private readonly bool _leavesOut = context.Pipeline.Options.Quirks.LeavesTrackedOut;

    /// <summary>What is known of the packet's way through conntrack.</summary>
    public TrackedState State;

    /// <summary>A packet without a frozen state: its key tells.</summary>
    public void Begin() => State = new TrackedState(false, IsInKey: true);

    /// <summary>The packet has been through conntrack; without a frozen state only its key can tell.</summary>
    public bool IsTracked()
    {
        if (State.IsInKey) SetTracked(_leavesOut ? (_flow.Original[L.CtState] & (byte)CtState.Trk) != 0 : _flow.ConsultAnyBit(L.CtState, (byte)CtState.Trk));
        return State.IsTracked;
    }

    public void SetTracked(bool tracked) => State = new TrackedState(tracked, IsInKey: false);

    /// <summary>From here on the flow is untracked.</summary>
    public void Clear()
    {
        SetTracked(false);
        _flow.ClearConnection();
    }

    /// <summary>Emits the action; <paramref name="writes"/> are the bits of mark and label that its <c>exec</c> has written to the flow.</summary>
    public void Emit(OfCt ct, ushort zone, CtWrites writes)
    {
        ref DpAction action = ref _context.Out.Add(DpOp.Ct);
        ref DpCt dp = ref action.Ct;
        dp.Zone = zone;
        if (ct.Commit) dp.Flags |= DpCtFlags.Commit;
        if (ct.Force) dp.Flags |= DpCtFlags.Force;
        if (ct.Alg == "ftp") dp.Flags |= DpCtFlags.AlgFtp;
        if (ct.Alg == "tftp") dp.Flags |= DpCtFlags.AlgTftp;
        if (writes.Mark != 0)
        {
            dp.MarkMask = new Be32(writes.Mark).Host;
            dp.Mark = _flow.Key.CtMark.Host & dp.MarkMask;
        }

        dp.LabelMask = FlowWindows.Wide(writes.Label0, writes.Label1);
        dp.Label = _flow.Wide(L.CtLabel, writes.Label0, writes.Label1);
        if (ct.Nat is not null) SetNat(ref dp, ct.Nat);
    }

    private static void SetNat(ref DpCt dp, OfNat nat)
    {
        dp.Flags |= DpCtFlags.Nat;
        dp.Nat = nat.Kind;
        if (nat.Kind == NatKind.None) return;
        if (nat.Ipv6) dp.Flags |= DpCtFlags.NatIpv6;
        if (nat.HashMode) dp.Flags |= DpCtFlags.NatHash;
        if (nat.RandomMode) dp.Flags |= DpCtFlags.NatRandom;
        if (nat.Persistent) dp.Flags |= DpCtFlags.NatPersistent;
        dp.NatAddrMin = NatAddress(nat, nat.AddrMin);
        dp.NatAddrMax = NatAddress(nat, nat.AddrMax > nat.AddrMin ? nat.AddrMax : nat.AddrMin);
        if (nat.PortMin == 0) return;
        dp.NatPortMin = nat.PortMin;
        dp.NatPortMax = Math.Max(nat.PortMin, nat.PortMax);
    }

    private static Ipv6Address NatAddress(OfNat nat, UInt128 address)
        => Ipv6Address.FromUInt128(nat.Ipv6 ? address : address << 96);
}

/// <summary>Bits of ct_mark and ct_label that <c>exec</c> wrote, in memory order.</summary>
internal struct CtWrites
{
    public uint Mark;
    public ulong Label0;
    public ulong Label1;

    public void Add(FieldPatch patch)
    {
        Add(patch.Offset0, patch.Mask0);
        Add(patch.Offset1, patch.Mask1);
    }

    private void Add(int offset, ulong mask)
    {
        for (int i = 0; i < 8; i++, mask >>= 8)
        {
            byte bits = (byte)mask;
            int at = offset + i;
            if (bits == 0) continue;
            if (at is >= L.CtMark and < L.CtMark + 4) Mark |= (uint)bits << (8 * (at - L.CtMark));
            else if (at is >= L.CtLabel and < L.CtLabel + 8) Label0 |= (ulong)bits << (8 * (at - L.CtLabel));
            else if (at is >= L.CtLabel + 8 and < L.CtLabel + 16) Label1 |= (ulong)bits << (8 * (at - L.CtLabel - 8));
        }
    }
}

/// <summary>Whether ct_* of the packet are meant.</summary>
/// <param name="IsTracked">It has been through conntrack, if that is known.</param>
/// <param name="IsInKey">It is not known: the packet's key has to be asked.</param>
internal readonly record struct TrackedState(bool IsTracked, bool IsInKey);
