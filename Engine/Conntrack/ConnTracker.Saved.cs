using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Actions;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>What lets connections outlive the process: a copy of each that another tracker takes over, whatever its secrets, slots and clock are.</remarks>
public sealed unsafe partial class ConnTracker
{
    /// <summary>A year: no timeout is longer.</summary>
    private const long MaxLeftMs = 366L * 24 * 3600 * 1000;

    private const ConnFlags NotSaved = ConnFlags.Related | ConnFlags.Ghost;

    /// <summary>
    /// A part of the connections that have not expired: <paramref name="count"/> slots from <paramref name="from"/> on. Returns where the next part begins, 0 = there is none. Those that a
    /// gateway expected are left out: they stand and fall with what was announced.
    /// </summary>
    public int Save(long nowMs, int from, int count, List<SavedConn> into)
    {
        int high = _table.HighWater, end = (int)Math.Min((long)from + count, high);
        for (int id = from; id < end; id++)
        {
            if ((_view.Conn(id)->Flags & ConnFlags.Live) == 0) continue;
            ConnCopy copy = _isShared ? ConnCopy.Of<SharedSync>(_view, _control.Lock, id) : ConnCopy.Of<AloneSync>(_view, _control.Lock, id);
            ref readonly ConnRecord c = ref copy.Record;
            if ((c.Flags & ConnFlags.Live) == 0 || (c.Flags & NotSaved) != 0 || nowMs >= c.ExpiryMs) continue;
            ConnInfo info = ConnDump.Describe(copy, id, nowMs);
            into.Add(new SavedConn
            {
                Zone = c.Fwd.Zone,
                Orig = info.Orig,
                Reply = info.Reply,
                Nat = (byte)c.Nat,
                Mark = c.Mark,
                Label = c.Label,
                OrigPeer = Saved(c.Orig),
                ReplyPeer = Saved(c.Reply),
                L4State = (byte)c.L4State,
                HasAlg = (c.Flags & ConnFlags.HasAlg) != 0,
                SequenceSkew = _view.Cold(id)->SequenceSkew,
                SkewsReply = (c.Flags & ConnFlags.SkewsReply) != 0,
                LeftMs = c.ExpiryMs - nowMs,
                Counts = (info.OrigPackets, info.OrigBytes, info.ReplyPackets, info.ReplyBytes),
            });
        }

        return end < high ? end : 0;
    }

    /// <summary>Takes over connections of another run, by turns for each packet thread; at a moment at which none runs. Returns how many: one that makes no sense, whose tuple is taken, or for which there is no room is left out.</summary>
    public int Restore(IReadOnlyList<SavedConn> connections, long nowMs)
    {
        int restored = 0;
        foreach (SavedConn saved in connections)
        {
            if (TryKey(saved.Orig, saved.Zone, out ConnKey fwd) && TryKey(saved.Reply, saved.Zone, out ConnKey rev) && IsSound(saved, fwd, rev)
                && _threads[restored % _threads.Length].TryRestore(saved, fwd, rev, nowMs)) restored++;
        }

        return restored;
    }

    private static SavedPeer Saved(in TcpPeer peer) => new(peer.SeqLo, peer.SeqHi, peer.MaxWin, peer.WScale, peer.State);

    /// <summary>What packets rely on: whoever reads a record looks up no more than that it is there.</summary>
    private static bool IsSound(SavedConn saved, in ConnKey fwd, in ConnKey rev)
        => fwd.Proto == rev.Proto && ((fwd.Aux ^ rev.Aux) & ~ConnKey.AuxReplyType) == 0
        && (saved.Nat == (byte)NatKind.None ? ConnKey.Same(rev, fwd.Reverse()) : saved.Nat <= (byte)NatKind.Dst)
        && saved.L4State <= (byte)ConnL4State.Bidir && saved.LeftMs is > 0 and <= MaxLeftMs
        && saved.OrigPeer.State <= TcpState.TimeWait && saved.ReplyPeer.State <= TcpState.TimeWait
        && IsScale(saved.OrigPeer.WScale) && IsScale(saved.ReplyPeer.WScale);

    private static bool IsScale(byte scale) => (scale & TcpPeer.WScaleMask) <= TcpPeer.WScaleMax && (scale & ~(TcpPeer.WScaleMask | TcpPeer.WScaleFlag | TcpPeer.WScaleUnknown)) == 0;

    /// <summary>The tuple under this tracker's secret.</summary>
    private bool TryKey(in ConnTuple tuple, ushort zone, out ConnKey key)
    {
        key = new ConnKey { Proto = tuple.Proto, Zone = zone, Aux = tuple.IsIpv6 ? ConnKey.AuxIpv6 : (byte)0 };
        Keys.Ipv6Address src = tuple.Src, dst = tuple.Dst;
        key.Src = tuple.IsIpv6 ? _view.Hash.OfAddress(src) : Unsafe.As<Keys.Ipv6Address, uint>(ref src);
        key.Dst = tuple.IsIpv6 ? _view.Hash.OfAddress(dst) : Unsafe.As<Keys.Ipv6Address, uint>(ref dst);
        if (!tuple.IsIcmp)
        {
            key.SrcPort = BinaryPrimitives.ReverseEndianness(tuple.SrcPort);
            key.DstPort = BinaryPrimitives.ReverseEndianness(tuple.DstPort);
            return true;
        }

        key.SrcPort = key.DstPort = BinaryPrimitives.ReverseEndianness(tuple.IcmpId);
        return ConnKey.TryAuxOfIcmpType(tuple.IcmpType, tuple.IsIpv6, out key.Aux);
    }
}
