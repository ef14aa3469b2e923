using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>
/// Limits per zone as OVS 3.7: a zone without a limit of its own is held to the default, each zone by itself. In 3.1 all zones without a limit of
/// their own share the default. Connections that were there before counting began are not counted.
/// </remarks>
public sealed unsafe partial class ConnTracker
{
    /// <summary>Where the connections of all zones are counted that share the default limit.</summary>
    private const int DefaultZone = ushort.MaxValue + 1;

    private readonly CtZoneLimit* _zones;
    private bool _anyLimit;
    private uint _defaultLimit;

    /// <summary>Limit of every zone that has none of its own, 0 = none.</summary>
    public uint DefaultLimit
    {
        get => _defaultLimit;
        set
        {
            _defaultLimit = value;
            _anyLimit |= value != 0;
        }
    }

    /// <summary>Sets the most connections of a zone (<c>dpctl/ct-set-limits</c>); 0 lets none in.</summary>
    public void SetZoneLimit(ushort zone, uint limit)
    {
        CtZoneLimit* z = _zones + zone;
        if (!z->IsCounted) StartCounting(z);
        z->Limit = limit;
        z->HasLimit = true;
        _anyLimit = true;
    }

    /// <summary>Removes the limit of a zone (<c>dpctl/ct-del-limits</c>); false if it had none.</summary>
    public bool RemoveZoneLimit(ushort zone)
    {
        CtZoneLimit* z = _zones + zone;
        if (!z->HasLimit) return false;
        z->HasLimit = false;
        z->IsCounted = false;
        return true;
    }

    /// <summary>Limit that holds for a zone (0 = none set) and its connections counted against it (<c>dpctl/ct-get-limits</c>).</summary>
    public (uint Limit, uint Count) GetZoneLimit(ushort zone)
    {
        CtZoneLimit* z = _zones + CountedAt(zone);
        return (z->HasLimit ? z->Limit : _defaultLimit, z->IsCounted ? z->Count : 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MayEnterZone(ushort zone)
    {
        if (!_anyLimit) return true;
        CtZoneLimit* z = _zones + zone;
        if (z->HasLimit) return z->Count < z->Limit;
        if (_defaultLimit == 0) return true;
        z = _zones + CountedAt(zone);
        if (!z->IsCounted) StartCounting(z);
        return z->Count < _defaultLimit;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EnterZone(int id, ushort zone)
    {
        if (!_anyLimit) return;
        int at = CountedAt(zone);
        CtZoneLimit* z = _zones + at;
        if (!z->IsCounted) return;
        z->Count++;
        _cold[id].AdmitSeq = z->Seq;
        Conn(id)->Flags |= at == DefaultZone ? ConnFlags.Admitted | ConnFlags.AdmittedByDefault : ConnFlags.Admitted;
    }

    private void LeaveZone(int id)
    {
        ConnRecord* c = Conn(id);
        CtZoneLimit* z = _zones + ((c->Flags & ConnFlags.AdmittedByDefault) != 0 ? DefaultZone : c->Fwd.Zone);
        if (z->IsCounted && z->Seq == _cold[id].AdmitSeq) z->Count--;
    }

    private int CountedAt(ushort zone) => _quirks.ZonesShareDefaultLimit && !_zones[zone].HasLimit ? DefaultZone : zone;

    private static void StartCounting(CtZoneLimit* z)
    {
        z->Count = 0;
        z->Seq++;
        z->IsCounted = true;
    }
}
