using System.Runtime.CompilerServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>
/// Fragments are held until the datagram is complete; then conntrack sees the datagram as a whole, and the fragments leave together,
/// each with its ct_* fields and addresses (OVS lib/ipf.c). Late datagrams are dropped, as newer versions do, at the latest before the next fragment is
/// looked at, unless <see cref="Quirks.LateFragmentsFollow"/>.
/// </remarks>
public sealed unsafe partial class ConnTracker
{
    private const int Ipv6FragmentHeaderBytes = 8;

    /// <summary>An empty fragment is behind others: that is the place of the first one, of IPv6.</summary>
    private const int EmptyFromBytes = Ipv6FragmentHeaderBytes;

    private readonly CtFragments _fragments;
    private readonly int _ipfMinV4;
    private readonly int _ipfMinV6;
    private nint[] _released = new nint[64];
    private int _releasedCount;

    /// <summary>When a packet has to look after something else too: the oldest datagram is late, or a sweep is due.</summary>
    private long _dueMs = long.MinValue;

    /// <summary>Packets that the last call released, in order, if it says so; valid until the next call. They belong to the caller again.</summary>
    public ReadOnlySpan<nint> Released => _released.AsSpan(0, _releasedCount);

    /// <summary>Where fragments go whose datagram did not become complete in time; null = they are forgotten.</summary>
    public PacketDrop? DroppedFragment { get; set; }

    /// <summary>Fragments on hold.</summary>
    public int HeldFragments => _fragments.Count;

    /// <summary>Fragments that were dropped to make room for others, since the start.</summary>
    public long FragmentsEvicted { get; private set; }

    /// <summary>Fragments that were no good or had no room, since the start.</summary>
    public long FragmentsRefused { get; private set; }

    /// <summary>Datagrams that became complete, since the start.</summary>
    public long DatagramsReassembled { get; private set; }

    /// <summary>
    /// Would the next packet through conntrack take late fragments along, as in OVS 3.1? Then no packet may go by it: whether they come out must not depend
    /// on what is offloaded.
    /// </summary>
    public bool SendsLate(long nowMs)
        => _quirks.LateFragmentsFollow && nowMs >= _dueMs && _fragments.Oldest >= 0 && nowMs > _fragments.Datagram(_fragments.Oldest)->ExpiryMs;

    private void ExecuteFragment(Packet* packet, in DpCt args, long nowMs, out CtVerdict verdict)
    {
        _releasedCount = 0;
        int complete = -1;
        if (!TryHold(packet, args.Zone, nowMs, ref complete))
        {
            FragmentsRefused++;
            Reject(packet, args.Zone, out verdict);
        }
        else if (complete >= 0)
        {
            Release(complete, args, nowMs, out verdict);
        }
        else
        {
            verdict = default;
            verdict.ConnId = -1;
            verdict.Zone = args.Zone;
            verdict.Disposition = CtDisposition.Held;
        }
    }

    /// <summary>A packet passes while something is due. A late datagram goes after it: the packet might complete it.</summary>
    private void ExecuteAndTidy(Packet* packet, in DpCt args, long nowMs, ulong hash, out CtVerdict verdict)
    {
        Sweep(nowMs);
        ExecuteOne(packet, args, nowMs, hash, out verdict);
        if (_quirks.LateFragmentsFollow) SendLate(packet, nowMs, ref verdict);
        else ExpireFragments(nowMs, 0, 1);
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
        if (nowMs >= _nextSweepMs) Sweep(nowMs);
        _releasedCount = 0;
        Span<int> whole = stackalloc int[packets.Length];
        int wholeCount = 0;
        foreach (nint address in packets)
        {
            var p = (Packet*)address;
            MiniflowExtractor.EnsureParsed(p);
            int complete = -1;
            if (p->Key.NwFrag == NwFrag.No || p->Key.DlType != dlType || !TryHold(p, args.Zone, nowMs, ref complete)) AddReleased(p);
            else if (complete >= 0) whole[wholeCount++] = complete;
        }

        int trackedCount = _releasedCount;
        for (int i = 0; i < trackedCount; i++)
        {
            var p = (Packet*)_released[i];
            if (p->Key.NwFrag != NwFrag.No || p->Key.DlType != dlType) Reject(p, args.Zone, out _);
            else if (!TryExecuteEstablished(p, args, nowMs, 0, out _)) ExecuteWhole(p, args, nowMs, 0, out _);
        }

        foreach (int datagram in whole[..wholeCount])
        {
            // Again: the buffer holds one datagram, the last.
            Reassemble(datagram);
            Release(datagram, args, nowMs, out _);
        }

        if (nowMs >= _dueMs) AddOrDropLate(nowMs);
    }

    /// <summary>Lets the fragments of the oldest datagram that is late follow the packet, invalid (OVS 3.1 <c>ipf_send_expired_frags</c>).</summary>
    private void SendLate(Packet* packet, long nowMs, ref CtVerdict verdict)
    {
        if (verdict.Disposition != CtDisposition.Released) _releasedCount = 0;
        if (verdict.Disposition == CtDisposition.Continue) AddReleased(packet);
        if (!AddOrDropLate(nowMs)) return;
        verdict.Disposition = CtDisposition.Released;
        verdict.Offloadable = false;
    }

    /// <summary>Adds the fragments of the oldest datagram to those released if it is late and versions like this do so, or drops them.</summary>
    private bool AddOrDropLate(long nowMs)
    {
        int datagram = _fragments.Oldest;
        if (!_quirks.LateFragmentsFollow || datagram < 0 || nowMs <= _fragments.Datagram(datagram)->ExpiryMs || nowMs >= _fragments.Datagram(datagram)->ExpiryMs + CtFragments.PurgeMs)
        {
            ExpireFragments(nowMs, 0, 1);
            return false;
        }

        int firstLate = _releasedCount;
        CtDatagram* d = _fragments.Datagram(datagram);
        for (int f = d->FirstFragment; f >= 0; f = _fragments.Fragment(f)->Next)
        {
            Packet* late = _fragments.Fragment(f)->Packet;
            late->Key.CtState = CtState.Inv;
            late->KeyLanes |= ConnMetadata.Lane;
            late->CtConnRef = 0;
            AddReleased(late);
        }

        // They are in order of position once first and last have been seen, in order of arrival before.
        if (!d->FirstSeen || !d->LastSeen) SortByArrival(d, _released.AsSpan(firstLate, _releasedCount - firstLate));
        _fragments.Remove(datagram);
        UpdateDue();
        return true;
    }

    private void SortByArrival(CtDatagram* d, Span<nint> packets)
    {
        Span<int> arrivals = stackalloc int[packets.Length];
        int count = 0;
        for (int f = d->FirstFragment; f >= 0; f = _fragments.Fragment(f)->Next) arrivals[count++] = _fragments.Fragment(f)->Arrival;
        arrivals.Sort(packets);
    }

    private void AddReleased(Packet* packet)
    {
        if (_releasedCount == _released.Length) Array.Resize(ref _released, _released.Length * 2);
        _released[_releasedCount++] = (nint)packet;
    }

    private void UpdateDue()
    {
        long lateMs = _fragments.Oldest >= 0 ? _fragments.Datagram(_fragments.Oldest)->ExpiryMs + 1 : long.MaxValue;
        _dueMs = Math.Min(_nextSweepMs, lateMs);
    }

    /// <summary>Takes a fragment; false if it is no good. <paramref name="complete"/> is set to its datagram if that is whole now.</summary>
    private bool TryHold(Packet* packet, ushort zone, long nowMs, ref int complete)
    {
        CtFragmentKey key = default;
        key.Zone = zone;
        key.RecircId = packet->Key.RecircId;
        ushort dlType = packet->Key.DlType.Host;
        if (packet->L3Offset == Packet.NoOffset || packet->L4Offset == Packet.NoOffset) return false;
        key.IsIpv6 = dlType == EthType.Ipv6;
        byte* data;
        int start, end;
        bool more;
        if (key.IsIpv6)
        {
            if (!ReadFragmentIpv6(packet, ref key, out data, out start, out end, out more)) return false;
        }
        else if (dlType != EthType.Ip || !ReadFragmentIpv4(packet, ref key, out data, out start, out end, out more))
        {
            return false;
        }
        if (!IsPart(start, end)) return false;

        // Exactly when they are late, whichever packets went through conntrack since.
        if (!_quirks.LateFragmentsFollow) ExpireFragments(nowMs, 0, int.MaxValue);
        int datagram = _fragments.Find(key);
        if (datagram >= 0 && !IsWanted(datagram, start, end)) return false;
        if (_fragments.IsFull(key, datagram, out int victim) && !Evict(victim)) return false;
        if (datagram < 0)
        {
            datagram = _fragments.Add(key, nowMs);
            UpdateDue();
        }
        CtDatagram* d = _fragments.Datagram(datagram);
        _fragments.Hold(datagram, packet, data, start, end);

        bool first = start == (key.IsIpv6 ? Ipv6FragmentHeaderBytes : 0);
        // OVS counts a fragment as first or as last, and only while the other one has not been seen.
        if (first && more) d->FirstSeen = true;
        if (!first && !more) d->LastSeen = true;
        if (d->FirstSeen && d->LastSeen && _fragments.IsContiguous(datagram))
        {
            if (Reassemble(datagram))
            {
                DatagramsReassembled++;
                (d->Complete, complete) = (true, datagram);
            }
            else
            {
                d->Failed = true;
            }
        }
        return true;
    }

    /// <summary>
    /// Does a fragment lie where bytes of a datagram can lie? An empty one has no place and is not taken; OVS takes it if it is the last one, and so does who
    /// repeats it.
    /// </summary>
    private bool IsPart(int start, int end)
        => end <= CtFragments.MaxPosition && (end >= start || (_quirks.EmptyFragmentEnds && end == start - 1 && start > EmptyFromBytes));

    /// <summary>Can this datagram still use the fragment?</summary>
    private bool IsWanted(int datagram, int start, int end)
    {
        CtDatagram* d = _fragments.Datagram(datagram);
        if (d->Complete || d->Failed || (!d->Key.IsIpv6 && d->FragmentCount >= MaxFragmentsV4)) return false;
        return !_fragments.Overlaps(datagram, start, end);
    }

    /// <summary>Drops a datagram to make room; false if there is none.</summary>
    private bool Evict(int datagram)
    {
        if (datagram < 0) return false;
        FragmentsEvicted += DropDatagram(datagram);
        UpdateDue();
        return true;
    }

    private int DropDatagram(int datagram)
    {
        CtDatagram* d = _fragments.Datagram(datagram);
        int dropped = d->FragmentCount;
        for (int f = d->FirstFragment; f >= 0; f = _fragments.Fragment(f)->Next) DroppedFragment?.Invoke(_fragments.Fragment(f)->Packet);
        _fragments.Remove(datagram);
        return dropped;
    }

    /// <summary>More fragments than this cannot be right, given the smallest one that is accepted.</summary>
    private int MaxFragmentsV4 => (65535 - 60 + _ipfMinV4 - 60 - 1) / Math.Max(1, _ipfMinV4 - 60);

    private bool ReadFragmentIpv4(Packet* packet, ref CtFragmentKey key, out byte* data, out int start, out int end, out bool more)
    {
        byte* l3 = packet->Data + packet->L3Offset;
        int size = packet->LengthBytes - packet->L2PadBytes - packet->L3Offset;
        data = l3;
        (start, end, more) = (0, 0, false);
        if ((packet->Flags & PacketFlags.IpCsumBad) != 0 || size < CtHeaders.Ipv4Bytes || CtHeaders.Read16(l3 + 2) != size) return false;
        int headerSize = (*l3 & 0x0f) * 4;
        if (headerSize < CtHeaders.Ipv4Bytes || size < headerSize) return false;
        if ((packet->Flags & PacketFlags.IpCsumGood) == 0 && InternetChecksum.Compute(l3, headerSize) != 0) return false;
        ushort offset = CtHeaders.Read16(l3 + 6);
        more = (offset & 0x2000) != 0;
        bool last = (offset & 0x1fff) != 0 && !more;
        if (!last && size < _ipfMinV4) return false;
        data = l3 + headerSize;
        start = (offset & 0x1fff) * 8;
        end = start + size - headerSize - 1;
        key.IpId = Unsafe.ReadUnaligned<ushort>(l3 + 4);
        key.Proto = l3[9];
        Unsafe.WriteUnaligned(ref Unsafe.As<Ipv6Address, byte>(ref key.Src), Unsafe.ReadUnaligned<uint>(l3 + 12));
        Unsafe.WriteUnaligned(ref Unsafe.As<Ipv6Address, byte>(ref key.Dst), Unsafe.ReadUnaligned<uint>(l3 + 16));
        return true;
    }

    private bool ReadFragmentIpv6(Packet* packet, ref CtFragmentKey key, out byte* data, out int start, out int end, out bool more)
    {
        byte* l3 = packet->Data + packet->L3Offset;
        int size = packet->LengthBytes - packet->L2PadBytes - packet->L3Offset;
        data = l3;
        (start, end, more) = (0, 0, false);
        if (size < CtHeaders.Ipv6Bytes) return false;
        byte proto = l3[6];
        if (!CtIpv6Headers.Walk(l3 + CtHeaders.Ipv6Bytes, l3 + size, ref proto, out byte* l4, out byte* fragment, out bool isFragment)) return false;
        if (!isFragment || fragment == null || CtHeaders.Read16(l3 + 4) + CtHeaders.Ipv6Bytes != size) return false;
        ushort offset = CtHeaders.Read16(fragment + 2);
        if ((offset & 0xfff9) == 0) return false;
        more = (offset & 1) != 0;
        bool last = (offset & 0xfff8) != 0 && !more;
        if (!last && size < _ipfMinV6) return false;
        // Of a first fragment the walk went on behind the fragment header; what is joined is the L4 part, as in OVS.
        data = l4;
        start = (offset & 0xfff8) + Ipv6FragmentHeaderBytes;
        end = start + (int)(l3 + size - l4) - 1;
        key.IpId = Unsafe.ReadUnaligned<uint>(fragment + 4);
        key.Src = Unsafe.ReadUnaligned<Ipv6Address>(l3 + 8);
        key.Dst = Unsafe.ReadUnaligned<Ipv6Address>(l3 + 24);
        return true;
    }

    /// <summary>Lets late datagrams go: one per packet that passes, all of them long after (<see cref="Step"/>).</summary>
    private int ExpireFragments(long nowMs, int graceMs, int maxDatagrams)
    {
        int dropped = 0;
        for (int i = 0; i < maxDatagrams && _fragments.Oldest >= 0; i++)
        {
            int datagram = _fragments.Oldest;
            CtDatagram* d = _fragments.Datagram(datagram);
            if (graceMs == 0 ? nowMs <= d->ExpiryMs : nowMs < d->ExpiryMs + graceMs) break;
            dropped += DropDatagram(datagram);
        }
        UpdateDue();
        return dropped;
    }
}
