using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>What may be changed of a tracker that runs. Each is a word that packet threads read with their next packet.</remarks>
public sealed unsafe partial class ConnTracker
{
    /// <summary>Most connections (<c>dpctl/ct-set-maxconns</c>); packets that would begin one more go on as <c>+new</c>. Several packet threads may each begin one above it.</summary>
    public int MaxConnections
    {
        get => Math.Min(_threads[0].MaxConnections, _capacity);
        set
        {
            foreach (ConnThread thread in _threads) thread.MaxConnections = value;
        }
    }

    /// <summary>TCP packets outside the window of their connection are invalid (<c>dpctl/ct-enable-tcp-seq-chk</c>).</summary>
    public bool TcpSeqChk
    {
        get => _threads[0].TcpSeqChk;
        set
        {
            foreach (ConnThread thread in _threads) thread.TcpSeqChk = value;
        }
    }

    /// <summary>Most fragments on hold in each packet thread, within <see cref="ConntrackOptions.FragmentCapacity"/>.</summary>
    public int MaxFragments
    {
        get => _threads[0].Fragments.Max;
        set
        {
            foreach (ConnThread thread in _threads) thread.Fragments.Max = value;
        }
    }

    /// <summary>Zones that have a limit of their own.</summary>
    public IEnumerable<ushort> LimitedZones => Enumerable.Range(0, ushort.MaxValue + 1).Select(static z => (ushort)z).Where(_zones.HasLimit);

    /// <summary>Limit that holds for a zone (0 = none set) and its connections counted against it (<c>dpctl/ct-get-limits</c>).</summary>
    public (uint Limit, uint Count) GetZoneLimit(ushort zone) => _zones.Get(zone);

    /// <summary>Fragments of a family, per packet thread.</summary>
    public IEnumerable<FragmentFamily> FragmentsOf(bool isIpv6) => _threads.Select(t => isIpv6 ? t.Fragments.V6 : t.Fragments.V4);

    /// <summary>Datagrams on hold in a packet thread; for the one who sends packets through it.</summary>
    public IEnumerable<HeldDatagram> HeldDatagramsOf(int thread) => _threads[thread].Fragments.Describe();

    /// <summary>Removes the connection one of whose tuples is given; false if there is none.</summary>
    public bool FlushTuple(ushort zone, in ConnTuple tuple, long nowMs)
    {
        if (!_keys.TryRead(zone, tuple, out ConnKey key)) return false;
        return _isShared ? FlushTuple<SharedSync>(key, tuple.Src, tuple.Dst, nowMs) : FlushTuple<AloneSync>(key, tuple.Src, tuple.Dst, nowMs);
    }

    private bool FlushTuple<S>(in ConnKey key, Ipv6Address src, Ipv6Address dst, long nowMs)
        where S : struct, IConnSync
    {
        int id = _control.Find<S>(key, &src, &dst, _view.Hash.OfKey(key), nowMs, out _);
        if (id == 0) return false;
        if (id > 0) _control.Remove<S>(id);
        _control.Lock.Release<S>(_view.Conn(Math.Abs(id)));
        return id > 0;
    }
}
