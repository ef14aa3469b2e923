namespace Mergeflow.Engine.Conntrack;

internal sealed unsafe partial class ConnExpiry
{
    /// <inheritdoc cref="ConnTracker.FlushAll"/>
    public void FlushAll(long nowMs)
    {
        for (int id = 1; id < _table.HighWater; id++)
        {
            if ((_view.Conn(id)->Flags & ConnFlags.Live) != 0) Remove(id);
        }
        WheelStart(nowMs);
    }

    /// <inheritdoc cref="ConnTracker.FlushZone"/>
    public void FlushZone(ushort zone)
    {
        for (int id = 1; id < _table.HighWater; id++)
        {
            if ((_view.Conn(id)->Flags & ConnFlags.Live) != 0 && _view.Conn(id)->Fwd.Zone == zone) Remove(id);
        }
    }
}
