using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>All there is of one connection, as it was at one moment.</summary>
internal struct ConnCopy
{
    public ConnRecord Record;
    public ConnAddresses Addresses;

    /// <summary>Counted by hardware.</summary>
    public (ulong Packets, ulong Bytes) HwOrig;
    public (ulong Packets, ulong Bytes) HwReply;

    /// <summary>Copies a slot while nobody changes it.</summary>
    public static unsafe ConnCopy Of<S>(in ConnView view, ConnLock by, int id)
        where S : struct, IConnSync
    {
        ConnRecord* c = view.Conn(id);
        ConnCold* cold = view.Cold(id);
        by.Take<S>(c);
        var copy = new ConnCopy
        {
            Record = *c,
            Addresses = *view.Addresses(id),
            HwOrig = CombinedCounter.Read(ref cold->HwOrig),
            HwReply = CombinedCounter.Read(ref cold->HwReply),
        };
        by.Release<S>(c);
        return copy;
    }
}
