using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// Fragments of one packet thread: holds them until their datagram is complete, puts it together, and lets them go with what became of it.
/// </summary>
/// <remarks>
/// Fragments are held until the datagram is complete; then conntrack sees the datagram as a whole, and the fragments leave together,
/// each with its ct_* fields and addresses (OVS lib/ipf.c). Late datagrams are dropped, as newer versions do, at the latest before the next fragment is
/// looked at, unless <see cref="Quirks.LateFragmentsFollow"/>.
/// </remarks>
internal sealed unsafe partial class Defragmenter : IDisposable
{
    private const int Ipv6FragmentHeaderBytes = 8;

    /// <summary>An empty fragment is behind others: that is the place of the first one, of IPv6.</summary>
    private const int EmptyFromBytes = Ipv6FragmentHeaderBytes;

    private readonly CtFragments _fragments;
    private readonly bool _lateFollow;
    private readonly bool _emptyEnds;
    private nint[] _released = new nint[64];
    private int _releasedCount;

    public Defragmenter(ConntrackOptions options, ulong seed)
    {
        _fragments = new CtFragments(options, seed);
        (V4.MinBytes, V6.MinBytes) = (options.IpfMinV4, options.IpfMinV6);
        _lateFollow = options.Quirks.LateFragmentsFollow;
        _emptyEnds = options.Quirks.EmptyFragmentEnds;
    }

    /// <summary>Of IPv4.</summary>
    public FragmentFamily V4 { get; } = new();

    /// <summary>Of IPv6.</summary>
    public FragmentFamily V6 { get; } = new();

    /// <summary>Most fragments on hold, within what there is room for.</summary>
    public int Max
    {
        get => _fragments.Max;
        set => _fragments.Max = value;
    }

    /// <inheritdoc cref="ConnThread.Released"/>
    public ReadOnlySpan<nint> Released => _released.AsSpan(0, _releasedCount);

    /// <inheritdoc cref="ConnThread.DroppedFragment"/>
    public PacketDrop? Dropped { get; set; }

    /// <inheritdoc cref="ConnTracker.HeldFragments"/>
    public int Held => _fragments.Count;

    /// <inheritdoc cref="ConnTracker.FragmentsEvicted"/>
    public long Evicted { get; private set; }

    /// <inheritdoc cref="ConnTracker.DatagramsReassembled"/>
    public long Reassembled { get; private set; }

    /// <summary>The datagram that was put together last.</summary>
    public Packet* Whole => (Packet*)_fragments.Buffer;

    /// <summary>When the oldest datagram is late, <see cref="long.MaxValue"/> = there is none.</summary>
    public long LateMs => _fragments.Oldest >= 0 ? _fragments.Datagram(_fragments.Oldest)->ExpiryMs + 1 : long.MaxValue;

    /// <summary>Nothing is released yet.</summary>
    public void BeginRelease() => _releasedCount = 0;

    /// <summary>This packet goes on behind those that are released already.</summary>
    public void AddReleased(Packet* packet)
    {
        if (_releasedCount == _released.Length) Array.Resize(ref _released, _released.Length * 2);
        _released[_releasedCount++] = (nint)packet;
    }

    /// <summary>Adds the fragments of the oldest datagram to those released if it is late and versions like this do so, or drops them.</summary>
    public bool AddOrDropLate(long nowMs)
    {
        int datagram = _fragments.Oldest;
        if (!_lateFollow || nowMs < LateMs || nowMs >= _fragments.Datagram(datagram)->ExpiryMs + CtFragments.PurgeMs)
        {
            Expire(nowMs, 0, 1);
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
        return true;
    }

    private void SortByArrival(CtDatagram* d, Span<nint> packets)
    {
        Span<int> arrivals = stackalloc int[packets.Length];
        int count = 0;
        for (int f = d->FirstFragment; f >= 0; f = _fragments.Fragment(f)->Next) arrivals[count++] = _fragments.Fragment(f)->Arrival;
        arrivals.Sort(packets);
    }

    /// <summary>Takes a fragment; false if it is no good. <paramref name="complete"/> is set to its datagram if that is whole now.</summary>
    public bool TryHold(Packet* packet, ushort zone, long nowMs, ref int complete)
    {
        CtFragmentKey key = default;
        key.Zone = zone;
        key.RecircId = packet->Key.RecircId;
        ushort dlType = packet->Key.DlType.Host;
        if (packet->L3Offset == Packet.NoOffset || packet->L4Offset == Packet.NoOffset) return false;
        key.IsIpv6 = dlType == EthType.Ipv6;
        FragmentFamily family = FamilyOf(key);
        if (!family.IsEnabled) return false;
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
        if (!_lateFollow) Expire(nowMs, 0, int.MaxValue);
        int datagram = _fragments.Find(key);
        if (datagram >= 0 && !IsWanted(datagram, start, end))
        {
            if (_fragments.Overlaps(datagram, start, end)) family.Overlapped++;
            return false;
        }

        if (_fragments.IsFull(key, datagram, out int victim) && !Evict(victim)) return false;
        if (datagram < 0) datagram = _fragments.Add(key, nowMs);
        CtDatagram* d = _fragments.Datagram(datagram);
        _fragments.Hold(datagram, packet, data, start, end);
        family.Accepted++;

        bool first = start == (key.IsIpv6 ? Ipv6FragmentHeaderBytes : 0);
        // OVS counts a fragment as first or as last, and only while the other one has not been seen.
        if (first && more) d->FirstSeen = true;
        if (!first && !more) d->LastSeen = true;
        if (d->FirstSeen && d->LastSeen && _fragments.IsContiguous(datagram))
        {
            if (Reassemble(datagram))
            {
                Reassembled++;
                family.Completed += (ulong)d->FragmentCount;
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
        => end <= CtFragments.MaxPosition && (end >= start || (_emptyEnds && end == start - 1 && start > EmptyFromBytes));

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
        FamilyOf(_fragments.Datagram(datagram)->Key).Purged += (ulong)_fragments.Datagram(datagram)->FragmentCount;
        Evicted += DropDatagram(datagram);
        return true;
    }

    private int DropDatagram(int datagram)
    {
        CtDatagram* d = _fragments.Datagram(datagram);
        int dropped = d->FragmentCount;
        for (int f = d->FirstFragment; f >= 0; f = _fragments.Fragment(f)->Next) Dropped?.Invoke(_fragments.Fragment(f)->Packet);
        _fragments.Remove(datagram);
        return dropped;
    }

    /// <summary>More fragments than this cannot be right, given the smallest one that is accepted.</summary>
    private int MaxFragmentsV4 => (65535 - 60 + V4.MinBytes - 60 - 1) / Math.Max(1, V4.MinBytes - 60);

    /// <summary>Lets late datagrams go: one per packet that passes, all of them long after (<see cref="ConnTracker.Step"/>).</summary>
    public int Expire(long nowMs, int graceMs, int maxDatagrams)
    {
        int dropped = 0;
        for (int i = 0; i < maxDatagrams && _fragments.Oldest >= 0; i++)
        {
            int datagram = _fragments.Oldest;
            CtDatagram* d = _fragments.Datagram(datagram);
            if (graceMs == 0 ? nowMs <= d->ExpiryMs : nowMs < d->ExpiryMs + graceMs) break;
            FamilyOf(d->Key).Expired += (ulong)d->FragmentCount;
            dropped += DropDatagram(datagram);
        }
        return dropped;
    }

    /// <summary>The datagrams on hold, oldest first. For the thread that sends packets through.</summary>
    public IEnumerable<HeldDatagram> Describe()
    {
        List<HeldDatagram> held = [];
        for (int i = _fragments.Oldest; i >= 0; i = _fragments.Datagram(i)->Newer) held.Add(Describe(_fragments.Datagram(i)));
        return held;
    }

    /// <inheritdoc/>
    public void Dispose() => _fragments.Dispose();

    private static HeldDatagram Describe(CtDatagram* d)
    {
        HeldDatagramState state = d->Failed ? HeldDatagramState.Failed : d->Complete ? HeldDatagramState.Complete
            : d->FirstSeen ? d->LastSeen ? HeldDatagramState.FirstAndLast : HeldDatagramState.First : d->LastSeen ? HeldDatagramState.Last : HeldDatagramState.Other;
        return new HeldDatagram(d->Key.IsIpv6, d->Key.Src, d->Key.Dst, d->Key.RecircId.Host, d->Key.IsIpv6 ? System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(d->Key.IpId) : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((ushort)d->Key.IpId), d->Key.Zone, d->Key.Proto, d->FragmentCount, state);
    }

    private FragmentFamily FamilyOf(in CtFragmentKey key) => key.IsIpv6 ? V6 : V4;
}
