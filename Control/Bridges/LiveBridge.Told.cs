using Mergeflow.Control.OpenFlow;

namespace Mergeflow.Control.Bridges;

/// <content>What connections are told of its ports.</content>
public sealed partial class LiveBridge
{
    private readonly Dictionary<uint, OfPort> _told = [];

    /// <summary>Tells connections which ports have come, gone or changed (<c>OFPT_PORT_STATUS</c>).</summary>
    /// <param name="begin">False: new ports are not said to live yet, since <see cref="Configure"/> follows and may give them a BFD session or LACP.</param>
    private void TellPorts(bool begin = true)
    {
        const byte added = 0, deleted = 1, modified = 2;
        const uint live = 4;
        lock (_told)
        {
            Dictionary<uint, OfPort> now = _seen.Ports.ToDictionary(static p => p.Number);
            foreach (OfPort gone in _told.Values.Where(p => !now.ContainsKey(p.Number)).ToArray()) Tell(deleted, gone);
            foreach (OfPort port in now.Values.ToArray())
            {
                // It begins to live when it is there (OVS port_run).
                OfPort begun = port with { State = port.State & ~live };
                if (!_told.TryGetValue(port.Number, out OfPort? before))
                {
                    Tell(added, begun);
                    if (!begin) now[port.Number] = begun;
                    else if (begun != port) Tell(modified, port, begun);
                }
                else if (!begin && before == begun) now[port.Number] = before;
                else if (before != port) Tell(modified, port, before);
            }

            _told.Clear();
            foreach (OfPort port in now.Values) _told.Add(port.Number, port);
        }

        void Tell(byte reason, OfPort port, OfPort? before = null)
        {
            foreach (OfConnection connection in _openFlow?.Group.All ?? []) connection.OnPort(reason, port, before);
        }
    }
}
