using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;
using L = Mergeflow.Engine.Keys.TranslatorLayout;

namespace Mergeflow.Engine.Xlate;

/// <content><c>ct</c> (OVS <c>compose_conntrack_action</c>).</content>
public sealed unsafe partial class Translator
{
    /// <summary>
    /// Emits a ct action, and a recirculation if the pipeline goes on in a table. Behind it, this list sees an untracked packet.
    /// </summary>
    private void Conntrack(XlateOp op)
    {
        var ct = (OfCt)op.Action!;
        ushort zone = ct.Zone;
        if (ct.ZoneSource is not null)
        {
            op.SourcePatch.Consult(_wc, _live);
            zone = (ushort)op.Source.ReadSmall(_flow);
        }

        Commit();
        ConntrackWrites writes = default;
        _inExec = true;
        foreach (XlateOp exec in op.Nested)
        {
            _ = RunOne(exec, default, last: false);
            writes.Add(exec.Patch);
        }

        _inExec = false;

        ref DpAction action = ref _out.Add(DpOp.Ct);
        ref DpCt dp = ref action.Ct;
        dp.Zone = zone;
        if (ct.Commit) dp.Flags |= DpCtFlags.Commit;
        if (ct.Force) dp.Flags |= DpCtFlags.Force;
        if (ct.Alg == "ftp") dp.Flags |= DpCtFlags.AlgFtp;
        if (ct.Alg == "tftp") dp.Flags |= DpCtFlags.AlgTftp;
        ref FlowKey key = ref *(FlowKey*)_flow;
        if (writes.Mark != 0)
        {
            dp.MarkMask = new Be32(writes.Mark).Host;
            dp.Mark = key.CtMark.Host & dp.MarkMask;
        }

        dp.LabelMask = Wide(writes.Label0, writes.Label1);
        dp.Label = Wide(L.CtLabel, writes.Label0, writes.Label1);
        if (ct.Nat is not null)
        {
            SetNat(ref dp, ct.Nat);
            _isTranslated = true;
        }

        if (ct.Table is { } table)
        {
            SetTracked(true);
            Freeze(table);
        }

        ClearConntrack();
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

    /// <summary>The packet has been through conntrack; without a frozen state only its key can tell.</summary>
    private bool IsTracked()
    {
        if (_conntrackedInKey) SetTracked(ConsultAnyBit(L.CtState, (byte)CtState.Trk));
        return _conntracked;
    }

    private void SetTracked(bool tracked)
    {
        _conntracked = tracked;
        _conntrackedInKey = false;
    }

    /// <summary>From here on the flow is untracked.</summary>
    private void ClearConntrack()
    {
        SetTracked(false);
        _flow[L.CtState] = 0;
        _live[L.CtState] = 0;
        Write(L.CtZone, L.Window6, 0);
        new Span<byte>(_flow + L.CtLabel, 32).Clear();
        new Span<byte>(_live + L.CtLabel, 32).Clear();
        new Span<byte>(_flow + L.CtIpv6Src, 32).Clear();
        new Span<byte>(_live + L.CtIpv6Src, 32).Clear();
    }

    /// <summary>Bits of ct_mark and ct_label that <c>exec</c> wrote, in memory order.</summary>
    private struct ConntrackWrites
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
}
