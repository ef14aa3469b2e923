using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>Fragments and what else is due beside packets.</remarks>
public sealed unsafe partial class ConnThread
{
    /// <summary>When a packet has to look after something else too: the oldest datagram is late, or a sweep is due. Never later than that.</summary>
    private long _dueMs = long.MinValue;

    /// <summary>Packets that the last call released, in order, if it says so; valid until the next call. They belong to the caller again.</summary>
    public ReadOnlySpan<nint> Released => _defragmenter.Released;

    /// <summary>Where fragments go whose datagram did not become complete in time; null = they are forgotten.</summary>
    public PacketDrop? DroppedFragment
    {
        get => _defragmenter.Dropped;
        set => _defragmenter.Dropped = value;
    }

    /// <summary>
    /// Would the next packet through conntrack take late fragments along, as in OVS 3.1? Then no packet may go by it: whether they come out must not depend
    /// on what is offloaded.
    /// </summary>
    public bool SendsLate(long nowMs) => _quirks.LateFragmentsFollow && nowMs >= _dueMs && nowMs >= _defragmenter.LateMs;

    private void ExecuteFragment<S>(Packet* packet, in DpCt args, long nowMs, out CtVerdict verdict)
        where S : struct, IConnSync
    {
        _defragmenter.BeginRelease();
        int complete = -1;
        if (!_defragmenter.TryHold(packet, args.Zone, nowMs, ref complete))
        {
            FragmentsRefused++;
            Reject(packet, args.Zone, out verdict);
        }
        else if (complete >= 0)
        {
            Release<S>(complete, args, nowMs, out verdict);
        }
        else
        {
            verdict = default;
            verdict.ConnId = -1;
            verdict.Zone = args.Zone;
            verdict.Disposition = CtDisposition.Held;
        }

        UpdateDue();
    }

    /// <summary>Sends the whole datagram through conntrack and lets its fragments go with the result.</summary>
    private void Release<S>(int datagram, in DpCt args, long nowMs, out CtVerdict verdict)
        where S : struct, IConnSync
    {
        ExecuteWhole<S>(_defragmenter.Whole, args, nowMs, 0, out verdict);
        _defragmenter.Release(datagram);
        verdict.Disposition = CtDisposition.Released;
        verdict.Offloadable = false;
    }

    /// <summary>A packet passes while something is due. A late datagram goes after it: the packet might complete it.</summary>
    private void ExecuteAndTidy<S>(Packet* packet, in DpCt args, long nowMs, ulong hash, out CtVerdict verdict)
        where S : struct, IConnSync
    {
        _expiry.Sweep(nowMs);
        ExecuteOne<S>(packet, args, nowMs, hash, out verdict);
        if (_quirks.LateFragmentsFollow) SendLate(packet, nowMs, ref verdict);
        else _defragmenter.Expire(nowMs, 0, 1);
        UpdateDue();
    }

    /// <summary>Lets the fragments of the oldest datagram that is late follow the packet, invalid (OVS 3.1 <c>ipf_send_expired_frags</c>).</summary>
    private void SendLate(Packet* packet, long nowMs, ref CtVerdict verdict)
    {
        if (verdict.Disposition != CtDisposition.Released) _defragmenter.BeginRelease();
        if (verdict.Disposition == CtDisposition.Continue) _defragmenter.AddReleased(packet);
        if (!_defragmenter.AddOrDropLate(nowMs)) return;
        verdict.Disposition = CtDisposition.Released;
        verdict.Offloadable = false;
    }

    /// <summary>
    /// Sends packets through conntrack that were released together (OVS <c>conntrack_execute</c> of a batch): fragments are taken out first,
    /// whole packets are tracked, then datagrams that became complete. Those that go on are <see cref="Released"/>.
    /// </summary>
    /// <param name="packets">Parsed packets; those on hold belong to conntrack until they are released.</param>
    /// <param name="dlType">Ethernet type of the megaflow whose action it is: others cannot be read.</param>
    /// <param name="args">The action.</param>
    /// <param name="nowMs">Clock in ms.</param>
    public void ExecuteTogether(ReadOnlySpan<nint> packets, Be16 dlType, in DpCt args, long nowMs)
    {
        if (_isShared) ExecuteTogether<SharedSync>(packets, dlType, args, nowMs);
        else ExecuteTogether<AloneSync>(packets, dlType, args, nowMs);
    }

    private void ExecuteTogether<S>(ReadOnlySpan<nint> packets, Be16 dlType, in DpCt args, long nowMs)
        where S : struct, IConnSync
    {
        if (nowMs >= _expiry.NextSweepMs) _expiry.Sweep(nowMs);
        _defragmenter.BeginRelease();
        Span<int> whole = stackalloc int[packets.Length];
        int wholeCount = 0;
        foreach (nint address in packets)
        {
            var p = (Packet*)address;
            MiniflowExtractor.EnsureParsed(p);
            int complete = -1;
            if (p->Key.NwFrag == NwFrag.No || p->Key.DlType != dlType || !_defragmenter.TryHold(p, args.Zone, nowMs, ref complete)) _defragmenter.AddReleased(p);
            else if (complete >= 0) whole[wholeCount++] = complete;
        }

        foreach (nint address in _defragmenter.Released)
        {
            var p = (Packet*)address;
            if (p->Key.NwFrag != NwFrag.No || p->Key.DlType != dlType) Reject(p, args.Zone, out _);
            else if (!TryExecuteEstablished<S>(p, args, nowMs, 0, out _)) ExecuteWhole<S>(p, args, nowMs, 0, out _);
        }

        foreach (int datagram in whole[..wholeCount])
        {
            // Again: the buffer holds one datagram, the last.
            _defragmenter.Reassemble(datagram);
            Release<S>(datagram, args, nowMs, out _);
        }

        _defragmenter.AddOrDropLate(nowMs);
        UpdateDue();
    }

    /// <summary>What <see cref="ConnTracker.Step"/> does, for this thread; <paramref name="nowMs"/> is a steady time, as packets have it.</summary>
    public int Step(long nowMs)
    {
        _expiry.Sweep(nowMs);
        int handled = _defragmenter.Expire(nowMs, CtFragments.PurgeMs, ConnExpiry.StepBudget);
        handled += _isShared ? _expiry.Step<SharedSync>(nowMs) : _expiry.Step<AloneSync>(nowMs);
        UpdateDue();
        return handled;
    }

    internal int ExpireAll(long nowMs)
    {
        _expiry.Sweep(nowMs);
        _defragmenter.Expire(nowMs, CtFragments.PurgeMs, int.MaxValue);
        UpdateDue();
        return _isShared ? _expiry.ExpireAll<SharedSync>(nowMs) : _expiry.ExpireAll<AloneSync>(nowMs);
    }

    private void UpdateDue() => _dueMs = Math.Min(_expiry.NextSweepMs, _defragmenter.LateMs);
}
