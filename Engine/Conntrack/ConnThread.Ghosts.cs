using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>Packets that meet what is left of a connection.</remarks>
public sealed unsafe partial class ConnThread
{
    /// <summary>
    /// A packet begins a connection anew that is in its own way (<see cref="ConnRecord.IsInItsOwnWay"/>). Open vSwitch ends the old one, finds its reply tuple, hence makes no new one, and leaves ct_state as it
    /// is; the packet shows the old connection's mark and label. (Another packet before the next sweep fails an assertion there; ours is +new.)
    /// </summary>
    private void Reopen<S>(Packet* packet, in DpCt args, CtContext* cx, int id, long nowMs, out CtVerdict verdict)
        where S : struct, IConnSync
    {
        WriteMetadata(packet, args.Zone, id);
        ApplyMarkAndLabel<S>(packet, args, cx, id);
        _expiry.End<S>(id, nowMs);
        _lock.Release<S>(_view.Conn(id));
        packet->CtConnRef = 0;
        cx->ConnId = 0;
        FillVerdict(packet, cx, out verdict);
    }

    /// <summary>
    /// <c>force</c> has ended such a connection, because the packet came from its answering side: its reply tuple is in the way of a new one, and
    /// ct_state stays what an earlier <c>ct</c> has made it.
    /// </summary>
    private void NotReplaced(Packet* packet, in DpCt args, CtContext* cx, out CtVerdict verdict)
    {
        ConnMetadata.WriteOwn(packet, args.Zone, cx);
        packet->CtConnRef = 0;
        cx->ConnId = 0;
        FillVerdict(packet, cx, out verdict);
    }

    /// <summary>The packet's tuple is a ghost's reply tuple: invalid, as there is no connection behind it.</summary>
    private void MeetGhost(Packet* packet, CtContext* cx, ushort zone, out CtVerdict verdict)
    {
        packet->Key.CtState |= CtState.Inv;
        ConnMetadata.WriteUnknown(packet, zone);
        packet->CtConnRef = 0;
        cx->ConnId = 0;
        FillVerdict(packet, cx, out verdict);
    }
}
