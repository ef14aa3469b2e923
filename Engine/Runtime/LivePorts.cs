using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Ports;
using Mergeflow.Nic;

namespace Mergeflow.Engine.Runtime;

/// <summary>The live ports of a running switch: they come and go, and change, while packets pass. For any thread, one at a time.</summary>
/// <param name="datapath">What they are ports of; not owned.</param>
/// <param name="pollers">Who polls their queues; not owned.</param>
/// <param name="sinks">What the packet threads send by, by index: those that <paramref name="datapath"/> was built with.</param>
public sealed partial class LivePorts(Datapath datapath, SwitchPollers pollers, IReadOnlyList<LivePortSink> sinks) : IDisposable
{
    private const int LooksAtDevice = 10, LookAgainMs = 20;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<uint, LivePort> _ports = [];

    /// <summary>Whose ports they are, where that is not the first bridge.</summary>
    private readonly Dictionary<uint, DatapathPorts> _places = [];

    /// <summary>Ports whose link the datapath holds for down: others look at devices too, so what a port said last is no measure.</summary>
    private readonly HashSet<uint> _down = [];

    /// <summary>Queues that nobody polls yet; null = they are polled when they come.</summary>
    private List<(RxQueueName Name, RxQueue Queue)>? _held;

    private KernelDropWatch? _drops;

    /// <summary>What packet threads had counted on the numbers of ports when these came.</summary>
    private readonly Dictionary<uint, PortHotSum> _before = [];

    /// <summary>What ports had counted that are gone.</summary>
    private PortTotals _gone;

    /// <summary>The ports, by number, without links between datapaths; a copy.</summary>
    public IReadOnlyList<LivePort> All
    {
        get
        {
            lock (_lock) return [.. _ports.Values.Where(static p => !p.IsLink)];
        }
    }

    /// <summary>The packet thread that gets the queues of a port that comes, or <see cref="QueueAssignment.Nobody"/>; null = packet threads in turn.</summary>
    public Func<LivePort, int>? EntryOf { get; init; }

    /// <summary>Whether to count what the kernel loses of its ports' frames, where that is allowed.</summary>
    public bool WatchesKernelDrops { get; init; }

    /// <summary>Why what the kernel loses is not counted; null = it is, or nobody wants it, or there is no device yet.</summary>
    public string? KernelDropsRefusal { get; private set; }

    /// <summary>From now on the port is one of the switch, which owns it. If that fails, it is closed.</summary>
    /// <exception cref="ArgumentException">There is a port of that number.</exception>
    /// <exception cref="IOException">The system refuses what is needed to send.</exception>
    public void Add(LivePort port, long nowMs) => Add(port, datapath.Main, nowMs);

    /// <summary>The same, of a bridge.</summary>
    /// <exception cref="ArgumentException">There is a port of that number.</exception>
    /// <exception cref="IOException">The system refuses what is needed to send.</exception>
    public void Add(LivePort port, DatapathBridge bridge, long nowMs)
    {
        lock (_lock)
        {
            try
            {
                if (port is TunnelVport tunnel) tunnel.Counted = datapath;
                TxQueue[] tx = [.. sinks.Select(_ => port.OpenTx())];
                if (!_ports.TryAdd(port.Number, port)) throw new ArgumentException($"there is a port {port.Number}", nameof(port));
                _before[port.Number] = SumOf(port.Number);
                for (int i = 0; i < tx.Length; i++)
                {
                    int pmd = i;
                    datapath.Call(pmd, () =>
                    {
                        sinks[pmd].Add(port.Number, tx[pmd]);
                        return 1;
                    });
                }
            }
            catch
            {
                port.Dispose();
                throw;
            }

            if (port.IsLink) datapath.Ports.AddHidden(port.Number, port.QueueCount, nowMs, EntryOf?.Invoke(port));
            else
            {
                if (bridge != datapath.Main) _places[port.Number] = bridge.Ports;
                uint? number = port.Ofport == port.Number ? null : port.Number;
                bridge.Ports.Add(new PipelinePort(port.Name, port.Ofport) { InDatapath = number, Tunnel = (port as TunnelVport)?.Tunnel, IsPatch = port is PatchPort }, port.QueueCount, nowMs, EntryOf?.Invoke(port));
            }

            WatchDrops(port);
            AddToKernel(port);
            _down.Remove(port.Number);
            (port as NetDevicePort)?.Started();
            if (!port.HasCarrier) TellLink(port.Number, isUp: false, nowMs);
            BeginPolling(port);
        }
    }

    /// <summary>A port is to have other queues: <paramref name="change"/> makes it so while nobody polls any of them. False if there is no such port.</summary>
    public bool Requeue(uint number, Action change)
    {
        lock (_lock)
        {
            if (!_ports.TryGetValue(number, out LivePort? port)) return false;
            EndPolling(port);
            change();
            datapath.Queues.Add(number, port.QueueCount, EntryOf?.Invoke(port));
            BeginPolling(port);
            return true;
        }
    }

    /// <summary>Ports that come from now on are not polled: what comes waits in the kernel, as far as there is room (OVS <c>flow-restore-wait</c>).</summary>
    public void Hold()
    {
        lock (_lock) _held ??= [];
    }

    /// <summary>All ports are polled.</summary>
    public void Release()
    {
        lock (_lock)
        {
            foreach ((RxQueueName name, RxQueue queue) in _held ?? []) pollers.Add(name, queue);
            _held = null;
        }
    }

    /// <summary>
    /// A port takes in so much from now on. While that is limited, what comes in by it is software's: rules in the kernel know no rate. False if there is no such port.
    /// </summary>
    public bool Police(uint number, IngressLimits limits, long nowMs)
    {
        lock (_lock)
        {
            if (!_ports.TryGetValue(number, out LivePort? port)) return false;
            bool wasNone = port.Limits.IsNone;
            port.Police(limits);
            if (datapath.Kernel is not { } kernel || wasNone == limits.IsNone) return true;
            if (limits.IsNone)
            {
                port.KernelRefusal = null;
                AddToKernel(port);
                return true;
            }

            datapath.Ports.LeaveKernel(number, nowMs);
            kernel.RemovePort(number);
            port.KernelRefusal = "what comes in by it is limited";
            return true;
        }
    }

    /// <summary>The port is no longer one of the switch, and closed on return: no packet thread has a queue of it. False if there is none.</summary>
    public bool Remove(uint number, long nowMs)
    {
        lock (_lock)
        {
            if (!_ports.Remove(number, out LivePort? port)) return false;
            if (port.IsLink) datapath.Ports.RemoveHidden(number, nowMs);
            else PortsOf(number).Remove(port.Ofport, nowMs);
            _places.Remove(number);
            datapath.Kernel?.RemovePort(number);
            EndPolling(port);
            if (EntryOf is not null) datapath.Queues.Forget(number);
            for (int i = 0; i < sinks.Count; i++)
            {
                int pmd = i;
                datapath.Call(pmd, () => sinks[pmd].Remove(number) is null ? 0 : 1);
            }

            _gone = _gone.Plus(port.OfQueues());
            _drops?.Forget(port);
            port.Dispose();
            return true;
        }
    }

    private void BeginPolling(LivePort port)
    {
        for (int q = 0; q < port.QueueCount; q++)
        {
            if (_held is null) pollers.Add(new RxQueueName(port.Number, q), port.Rx(q));
            else _held.Add((new RxQueueName(port.Number, q), port.Rx(q)));
        }
    }

    private void EndPolling(LivePort port)
    {
        for (int q = 0; q < port.QueueCount; q++) pollers.Remove(new RxQueueName(port.Number, q));
        _held?.RemoveAll(h => h.Name.Port == port.Number);
    }

    /// <summary>Where all packets are: packet threads stand still for that moment.</summary>
    /// <param name="byDevice">Packets that a device has taken before packet threads saw them.</param>
    public SwitchLedger Ledger(Func<ulong> byDevice)
    {
        lock (_lock)
        {
            SwitchLedger ledger = datapath.Pause(() =>
            {
                PortTotals all = _gone;
                foreach (LivePort port in _ports.Values) all = all.Plus(port.OfQueues());
                ulong noPort = 0, held = 0;
                foreach (LivePortSink sink in sinks) noPort += sink.NoPort;
                foreach (PmdContext pmd in datapath.Pmds) held += pmd.Held;
                return new SwitchLedger(all.Rx, datapath.Stats.Rx + byDevice(), datapath.Stats.Tx, all.Tx, all.TxDropped, noPort, held, all.RxDropped)
                {
                    Threads = [.. datapath.Pmds.Select(static p => new ThreadLedger(p.Index, p.Thread.Stats, p.Held))],
                    Ports = [.. _ports.Values.Where(static p => p.QueueCount > 0).Select(LedgerOf)],
                };
            });
            return ledger with { Ports = [.. ledger.Ports.Select(WithDevice)] };
        }
    }

    private PortLedger LedgerOf(LivePort port)
    {
        PortHotSum before = _before[port.Number], now = SumOf(port.Number);
        return new PortLedger(port.Number, port.Name, port.OfQueues()) { Taken = [.. now.Rx.Select((n, i) => n - before.Rx[i])], Dropped = now.Dropped - before.Dropped, Sent = now.Tx - before.Tx };
    }

    /// <summary>What has been received is on its way for a while: looks again until all is counted, or something has come.</summary>
    private PortLedger WithDevice(PortLedger row)
    {
        if (_ports[row.Number] is not NetDevicePort port) return row;
        PortStatistics counted = port.OfQueues();
        long? uncounted = port.UncountedOf(counted);
        bool isQuiet = true;
        for (int i = 0; i < LooksAtDevice && isQuiet && uncounted is not (null or 0); i++)
        {
            Thread.Sleep(LookAgainMs);
            PortStatistics later = port.OfQueues();
            isQuiet = later.RxPackets == counted.RxPackets;
            (counted, uncounted) = (later, port.UncountedOf(later));
        }

        return row with { Uncounted = uncounted, IsQuiet = isQuiet };
    }

    private unsafe PortHotSum SumOf(uint number)
    {
        ulong[] rx = new ulong[datapath.Pmds.Count];
        ulong tx = 0, dropped = 0;
        foreach (PmdContext pmd in datapath.Pmds)
        {
            PortTable.PortHot* hot = pmd.Ports[number];
            rx[pmd.Index] = hot->RxPackets;
            tx += hot->TxPackets;
            dropped += hot->Dropped;
        }

        return new PortHotSum(rx, tx, dropped);
    }

    private readonly record struct PortHotSum(ulong[] Rx, ulong Tx, ulong Dropped);

    /// <summary>The way of a tunnel port is another one, or there is none: then its link is down. False if there is no such port.</summary>
    public bool SetTunnel(uint number, TunnelPort? way, long nowMs)
    {
        lock (_lock)
        {
            if (!_ports.TryGetValue(number, out LivePort? port) || port is not TunnelVport tunnel) return false;
            tunnel.Tunnel = way;
            datapath.Ports.SetTunnel(number, way, nowMs);
            TellLink(number, isUp: way is not null, nowMs);
            return true;
        }
    }

    /// <summary>Looks at the devices of all ports again: links that have gone down or come back are reported to the switch. Returns the ports whose device is gone, which stay until they are removed.</summary>
    public IReadOnlyList<LivePort> Refresh(long nowMs)
    {
        lock (_lock)
        {
            foreach (LivePort port in _ports.Values)
            {
                port.Refresh();
                _refreshed++;
                datapath.Kernel?.SetMtu(port.Number, port.MtuBytes);
                bool isUp = port.HasCarrier;
                if (isUp == _down.Contains(port.Number)) TellLink(port.Number, isUp, nowMs);
            }

            return [.. _ports.Values.Where(static p => p.IsGone)];
        }
    }

    private void TellLink(uint number, bool isUp, long nowMs)
    {
        if (isUp) _down.Remove(number);
        else _down.Add(number);
        if (_ports.TryGetValue(number, out LivePort? port) && !port.IsLink) PortsOf(number).SetLink(port.Ofport, isUp, nowMs);
    }

    private DatapathPorts PortsOf(uint number) => _places.GetValueOrDefault(number) ?? datapath.Ports;

    private readonly record struct PortTotals(ulong Rx, ulong RxDropped, ulong Tx, ulong TxDropped)
    {
        public PortTotals Plus(PortStatistics s) => new(Rx + s.RxPackets - s.ByKernel.RxPackets, RxDropped + s.RxDropped, Tx + s.TxPackets - s.TxCut - s.ByKernel.TxPackets, TxDropped + s.TxDropped);
    }

    /// <summary>Closes all ports. The packet threads have ended.</summary>
    public void Dispose()
    {
        foreach (LivePort port in _ports.Values) port.Dispose();
        _ports.Clear();
        _drops?.Dispose();
    }

    private void WatchDrops(LivePort port)
    {
        if (!WatchesKernelDrops || port.IfIndex == 0 || KernelDropsRefusal is not null) return;
        try
        {
            _drops ??= new KernelDropWatch();
            _drops.Watch(port);
        }
        catch (IOException e)
        {
            KernelDropsRefusal = e.Message;
        }
    }

    /// <summary>Rules in the kernel take what comes in by tc and by XDP, and send to every port that is a device. Frames to a TAP of the switch's own are for the host behind it.</summary>
    private void AddToKernel(LivePort port)
    {
        if (datapath.Kernel is not { } kernel) return;
        if (port is TunnelVport) port.ByKernel = () => ShareOf(kernel.TotalsOf(port.Number));
        if (port.IfIndex == 0) return;
        TcPort? tc = port is TcPort { Datapath: "tc" } found ? found : null;
        KernelPortOptions options = new()
        {
            Number = port.Number,
            Interface = port.IfIndex,
            MtuBytes = port.MtuBytes,
            Attaches = tc is not null,
            Upcall = tc?.TapIndex ?? 0,
            IsHost = port is TapPort,
            Xdp = port is XdpPort xdp ? new KernelXdp(xdp.Link, xdp.SocketMap) : null,
        };
        try
        {
            kernel.AddPort(options);
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            // What comes in and goes out by it is software's, as without rules in the kernel.
            port.KernelRefusal = e.Message;
            return;
        }

        port.ByKernel = () => ShareOf(kernel.TotalsOf(port.Number));
    }

    private static PortShare ShareOf(KernelPortTotals t) => new(t.RxPackets, t.RxBytes, t.TxPackets, t.TxBytes);
}
