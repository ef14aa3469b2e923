using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>How many connections each zone may have, and has.</summary>
/// <remarks>
/// Limits per zone as OVS 3.7: a zone without a limit of its own is held to the default, each zone by itself. In 3.1 all zones without a limit of
/// their own share the default. Connections that were there before counting began are not counted.
/// </remarks>
internal sealed unsafe class ZoneLimits
{
    /// <summary>Where the connections of all zones are counted that share the default limit.</summary>
    private const int DefaultZone = ushort.MaxValue + 1;

    private readonly CtZoneLimit* _zones;
    private readonly bool _shareDefault;
    private int _starting;
    private bool _anyLimit;
    private uint _defaultLimit;

    public ZoneLimits(ConnMemory memory, Quirks quirks)
    {
        _zones = memory.Reserve<CtZoneLimit>(DefaultZone + 1);
        _shareDefault = quirks.ZonesShareDefaultLimit;
    }

    /// <inheritdoc cref="ConnTracker.DefaultLimit"/>
    public uint DefaultLimit
    {
        get => _defaultLimit;
        set
        {
            _defaultLimit = value;
            _anyLimit |= value != 0;
        }
    }

    /// <inheritdoc cref="ConnTracker.SetZoneLimit"/>
    public void Set(ushort zone, uint limit)
    {
        CtZoneLimit* z = _zones + zone;
        if (!z->IsCounted) StartCounting(z);
        z->Limit = limit;
        z->HasLimit = true;
        _anyLimit = true;
    }

    /// <inheritdoc cref="ConnTracker.RemoveZoneLimit"/>
    public bool Remove(ushort zone)
    {
        CtZoneLimit* z = _zones + zone;
        if (!z->HasLimit) return false;
        z->HasLimit = false;
        z->IsCounted = false;
        return true;
    }

    /// <summary>A zone has a limit of its own.</summary>
    public bool HasLimit(ushort zone) => _zones[zone].HasLimit;

    /// <inheritdoc cref="ConnTracker.GetZoneLimit"/>
    public (uint Limit, uint Count) Get(ushort zone)
    {
        CtZoneLimit* z = _zones + CountedAt(zone);
        return (z->HasLimit ? z->Limit : _defaultLimit, z->IsCounted ? z->Count : 0);
    }

    /// <summary>
    /// Counts a connection that is about to begin; false if the zone has no room. What was <paramref name="admitted"/>, 0 = it is not counted, goes into the connection's flags, and
    /// <paramref name="seq"/> into <see cref="ConnCold.AdmitSeq"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter<S>(ushort zone, out ConnFlags admitted, out uint seq)
        where S : struct, IConnSync
    {
        admitted = ConnFlags.None;
        seq = 0;
        return !_anyLimit || TryCount<S>(zone, ref admitted, ref seq);
    }

    /// <summary>A counted connection has gone.</summary>
    public void Leave<S>(ConnRecord* c, ConnCold* cold)
        where S : struct, IConnSync
        => Leave<S>(c->Fwd.Zone, c->Flags, cold->AdmitSeq);

    /// <summary>The same for one that never began.</summary>
    public void Leave<S>(ushort zone, ConnFlags admitted, uint seq)
        where S : struct, IConnSync
    {
        if ((admitted & ConnFlags.Admitted) == 0) return;
        CtZoneLimit* z = _zones + ((admitted & ConnFlags.AdmittedByDefault) != 0 ? DefaultZone : zone);
        ulong seen;
        do
        {
            Interleaving.Step("Z1 count");
            seen = Volatile.Read(ref z->Counted);
            if (!z->IsCounted || (uint)(seen >> 32) != seq) return;
        }
        while (!TrySet<S>(ref z->Counted, seen - 1, seen));
    }

    private bool TryCount<S>(ushort zone, ref ConnFlags admitted, ref uint seq)
        where S : struct, IConnSync
    {
        int at = CountedAt(zone);
        CtZoneLimit* z = _zones + at;
        if (!z->HasLimit && _defaultLimit != 0 && !z->IsCounted) StartCounting(z);

        ulong seen;
        do
        {
            Interleaving.Step("Z1 count");
            seen = Volatile.Read(ref z->Counted);
            if (!z->IsCounted) return true;
            uint limit = z->HasLimit ? z->Limit : _defaultLimit;
            if ((z->HasLimit || limit != 0) && (uint)seen >= limit) return false;
        }
        while (!TrySet<S>(ref z->Counted, seen + 1, seen));
        admitted = at == DefaultZone ? ConnFlags.Admitted | ConnFlags.AdmittedByDefault : ConnFlags.Admitted;
        seq = (uint)(seen >> 32);
        return true;
    }

    private static bool TrySet<S>(ref ulong word, ulong to, ulong from)
        where S : struct, IConnSync
    {
        Interleaving.Atomic("Z2 count");
        if (S.SwapsCounts) return Interlocked.CompareExchange(ref word, to, from) == from;
        word = to;
        return true;
    }

    private int CountedAt(ushort zone) => _shareDefault && !_zones[zone].HasLimit ? DefaultZone : zone;

    /// <summary>By control, or by the first packet under a default limit.</summary>
    private void StartCounting(CtZoneLimit* z)
    {
        ConnWord.Take<SharedSync>(ref _starting);
        if (!z->IsCounted)
        {
            Volatile.Write(ref z->Counted, (ulong)(z->Seq + 1) << 32);
            Volatile.Write(ref z->IsCounted, true);
        }

        ConnWord.Release<SharedSync>(ref _starting);
    }
}
