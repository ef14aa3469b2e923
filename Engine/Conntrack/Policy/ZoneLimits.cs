using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;

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

    /// <inheritdoc cref="ConnTracker.GetZoneLimit"/>
    public (uint Limit, uint Count) Get(ushort zone)
    {
        CtZoneLimit* z = _zones + CountedAt(zone);
        return (z->HasLimit ? z->Limit : _defaultLimit, z->IsCounted ? z->Count : 0);
    }

    /// <summary>Is there room in the zone for one more connection?</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool MayEnter(ushort zone)
    {
        if (!_anyLimit) return true;
        CtZoneLimit* z = _zones + zone;
        if (z->HasLimit) return z->Count < z->Limit;
        if (_defaultLimit == 0) return true;
        z = _zones + CountedAt(zone);
        if (!z->IsCounted) StartCounting(z);
        return z->Count < _defaultLimit;
    }

    /// <summary>Counts a new connection, and notes with it how.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter(ConnRecord* c, ConnCold* cold, ushort zone)
    {
        if (!_anyLimit) return;
        int at = CountedAt(zone);
        CtZoneLimit* z = _zones + at;
        if (!z->IsCounted) return;
        z->Count++;
        cold->AdmitSeq = z->Seq;
        c->Flags |= at == DefaultZone ? ConnFlags.Admitted | ConnFlags.AdmittedByDefault : ConnFlags.Admitted;
    }

    /// <summary>A counted connection has gone.</summary>
    public void Leave(ConnRecord* c, ConnCold* cold)
    {
        CtZoneLimit* z = _zones + ((c->Flags & ConnFlags.AdmittedByDefault) != 0 ? DefaultZone : c->Fwd.Zone);
        if (z->IsCounted && z->Seq == cold->AdmitSeq) z->Count--;
    }

    private int CountedAt(ushort zone) => _shareDefault && !_zones[zone].HasLimit ? DefaultZone : zone;

    private static void StartCounting(CtZoneLimit* z)
    {
        z->Count = 0;
        z->Seq++;
        z->IsCounted = true;
    }
}
