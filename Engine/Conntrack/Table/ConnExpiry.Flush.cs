namespace Mergeflow.Engine.Conntrack;

internal sealed unsafe partial class ConnExpiry
{
    /// <summary>Removes every connection, or every one of a zone; those that begin meanwhile may stay.</summary>
    public void Flush<S>(ushort? zone, int from, int end)
        where S : struct, IConnSync
    {
        for (int id = from; id < end; id++)
        {
            ConnRecord* c = _view.Conn(id);
            if (!IsOf(c, zone)) continue;
            _lock.Take<S>(c);
            if (IsOf(c, zone)) Remove<S>(id);
            _lock.Release<S>(c);
        }
    }

    private static bool IsOf(ConnRecord* c, ushort? zone) => (c->Flags & ConnFlags.Live) != 0 && (zone is not { } wanted || c->Fwd.Zone == wanted);
}
