using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

public sealed unsafe partial class ConnTracker
{
    /// <summary>Removes every connection (<c>dpctl/flush-conntrack</c>); fragments on hold stay.</summary>
    public void FlushAll(long nowMs)
    {
        for (int id = 1; id < _table.HighWater; id++)
        {
            if ((_view.Conn(id)->Flags & ConnFlags.Live) != 0) RemoveConn(id);
        }
        WheelStart(nowMs);
    }

    /// <summary>Removes every connection of a zone.</summary>
    public void FlushZone(ushort zone)
    {
        for (int id = 1; id < _table.HighWater; id++)
        {
            if ((_view.Conn(id)->Flags & ConnFlags.Live) != 0 && _view.Conn(id)->Fwd.Zone == zone) RemoveConn(id);
        }
    }

    /// <summary>Removes the connection one of whose tuples is given; false if there is none.</summary>
    public bool FlushTuple(ushort zone, in ConnTuple tuple, long nowMs)
    {
        if (!_keys.TryRead(zone, tuple, out ConnKey key)) return false;
        Ipv6Address src = tuple.Src, dst = tuple.Dst;
        int id = Find(key, &src, &dst, _view.Hash.OfKey(key), nowMs, out _);
        if (id <= 0) return false;
        RemoveConn(id);
        return true;
    }
}
