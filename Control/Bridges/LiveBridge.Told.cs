using Mergeflow.Control.OpenFlow;
using Mergeflow.Engine.Ports;

namespace Mergeflow.Control.Bridges;

/// <content>What connections are told of its ports.</content>
public sealed partial class LiveBridge
{
    private const byte Added = 0, Deleted = 1, Modified = 2;

    /// <summary><c>OFPPS_LIVE</c>.</summary>
    private const uint Living = 4;

    private readonly Dictionary<uint, OfPort> _told = [];

    /// <summary>Tells connections of a port that has come; of that one alone, as many may come together. It is not said to live yet, since <see cref="Configure"/> follows and may give it a BFD session or LACP.</summary>
    private void TellAdded(LivePort port)
    {
        lock (_told)
        {
            // A connection's order may have had all ports looked at meanwhile.
            OfPort seen = _seen.PortOf(port), begun = seen with { State = seen.State & ~Living };
            if (_told.TryAdd(begun.Number, begun)) Tell(Added, begun);
        }
    }

    /// <summary>Tells connections of a port that has gone.</summary>
    private void TellGone(int ofport)
    {
        lock (_told)
        {
            if (_told.Remove((uint)ofport, out OfPort? gone)) Tell(Deleted, gone);
        }
    }

    /// <summary>Looks at all ports, and tells connections which have come, gone or changed (<c>OFPT_PORT_STATUS</c>).</summary>
    private void TellPorts()
    {
        lock (_told)
        {
            Dictionary<uint, OfPort> now = _seen.Ports.ToDictionary(static p => p.Number);
            foreach (OfPort gone in _told.Values.Where(p => !now.ContainsKey(p.Number)).ToArray()) Tell(Deleted, gone);
            foreach (OfPort port in now.Values)
            {
                if (!_told.TryGetValue(port.Number, out OfPort? before))
                {
                    // It begins to live when it is there (OVS port_run).
                    before = port with { State = port.State & ~Living };
                    Tell(Added, before);
                }

                if (before != port) Tell(Modified, port, before);
            }

            _told.Clear();
            foreach (OfPort port in now.Values) _told.Add(port.Number, port);
        }
    }

    private void Tell(byte reason, OfPort port, OfPort? before = null)
    {
        foreach (OfConnection connection in _openFlow?.Group.All ?? []) connection.OnPort(reason, port, before);
    }
}
