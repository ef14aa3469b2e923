using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;

namespace Mergeflow.Control;

/// <summary>Keeps the ways of tunnel ports as routes and neighbours say. For a next hop that is not known it has the kernel ask.</summary>
public sealed class TunnelWatch : IDisposable
{
    private const int AskAgainMs = 1000;
    private const int DiscardPort = 9;

    private readonly LiveSwitch _switch;
    private readonly IReadOnlyList<WatchedTunnel> _tunnels;
    private readonly Action<string> _say;
    private readonly RtnetlinkWatch _kernel = new(RtTopics.Links | RtTopics.Routes | RtTopics.Neighbors | RtTopics.Addresses);
    private readonly TunnelWay _way = new();
    private readonly WakeLatch _latch = new();
    private readonly Thread _thread;
    private TunnelUnderlay _underlay = TunnelUnderlay.None;
    private long _askedMs;
    private volatile bool _end;

    /// <summary>Begins to watch.</summary>
    /// <param name="live">The switch that has the ports.</param>
    /// <param name="tunnels">Which ones.</param>
    /// <param name="say">Takes a line per event.</param>
    /// <exception cref="IOException">The system refuses to tell.</exception>
    public TunnelWatch(LiveSwitch live, IReadOnlyList<WatchedTunnel> tunnels, Action<string> say)
    {
        (_switch, _tunnels, _say) = (live, tunnels, say);
        _thread = new Thread(Run) { Name = "tunnels", IsBackground = true };
        _thread.Start();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _end = true;
        _latch.Set();
        _thread.Join();
        _kernel.Dispose();
        _latch.Dispose();
    }

    private void Run()
    {
        PollSet set = new();
        while (!_end)
        {
            while (_kernel.TryRead(out RtEvent? told))
            {
                if (told.Kind != RtEventKind.Overrun)
                {
                    _way.Learn(told);
                    continue;
                }

                _way.Clear();
                _kernel.DumpAgain();
            }

            foreach (WatchedTunnel tunnel in _tunnels) Follow(tunnel);
            FollowRoutes();
            set.Clear();
            set.Add(_kernel.Descriptor);
            _latch.Announce();
            if (_end) _latch.Cancel();
            else _latch.Sleep(set);
        }
    }

    private void Follow(WatchedTunnel tunnel)
    {
        IPAddress? unknown = null;
        TunnelPort? way = tunnel.Remote is { } remote ? _way.Of(tunnel.Wanted, tunnel.Device, remote, out unknown) : _way.ToAny(tunnel.Wanted, tunnel.Device);
        if (unknown is not null && Environment.TickCount64 - _askedMs > AskAgainMs) Ask(tunnel.Device, unknown);
        if (way == tunnel.Way) return;
        if (!_switch.Ports.SetTunnel(tunnel.Wanted.Number, way, LiveSwitch.NowMs)) return;
        tunnel.Way = way;
        string number = tunnel.Wanted.Number.ToString(CultureInfo.InvariantCulture);
        string to = tunnel.Remote?.ToString() ?? "any peer";
        _say(way is null ? $"tunnel {number}: no way to {to} by {tunnel.Device}" : $"tunnel {number}: to {to} by {tunnel.Device}{(tunnel.Remote is null ? "" : $", next hop {way.NextHopMac}")}");
    }

    /// <summary>Tunnels to whichever peer: routes and neighbours decide packet by packet, and who is missed is asked for.</summary>
    private void FollowRoutes()
    {
        (uint Port, string Device)[] ports = [.. _tunnels.Where(static t => t.Remote is null && t.Way is not null).Select(static t => (t.Wanted.UnderlayPort, t.Device)).Distinct()];
        if (ports.Length == 0 && _underlay.Equals(TunnelUnderlay.None)) return;
        TunnelUnderlay underlay = _way.UnderlayOf(ports);
        if (!underlay.Equals(_underlay))
        {
            _underlay = underlay;
            _switch.Datapath.Ports.SetUnderlay(underlay, LiveSwitch.NowMs);
        }

        foreach ((uint port, Ipv6Address address, bool isIpv6) in _switch.Datapath.Pipeline.TakeUnknownHops())
        {
            if (Array.Find(ports, p => p.Port == port).Device is { } device) Ask(device, TunnelWay.ToAddress(address, isIpv6));
        }
    }

    /// <summary>A datagram for nobody: the kernel has to find out where it goes.</summary>
    private void Ask(string device, IPAddress nextHop)
    {
        const int solSocket = 1, bindToDevice = 25;
        _askedMs = Environment.TickCount64;
        try
        {
            using Socket socket = new(nextHop.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.SetRawSocketOption(solSocket, bindToDevice, System.Text.Encoding.UTF8.GetBytes(device));
            socket.SendTo([], new IPEndPoint(nextHop, DiscardPort));
        }
        catch (SocketException)
        {
            // The device is not ready: asked again later.
        }
    }
}
