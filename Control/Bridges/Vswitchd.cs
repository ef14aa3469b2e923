using Mergeflow.Control.Ovsdb;
using Mergeflow.Engine.Xlate;
using Mergeflow.Native;

namespace Mergeflow.Control.Bridges;

/// <summary>A whole switch that a database controls: follows it, watches the kernel's devices, answers at its control socket (OVS <c>vswitchd/ovs-vswitchd.c</c>). One thread does it all; commands take turns with it.</summary>
public sealed class Vswitchd : IDisposable
{
    private const int DevicesMs = 1000;

    private readonly Lock _turn = new();
    private readonly WakeLatch _latch = new();
    private readonly RtnetlinkWatch _links = new(RtTopics.Links);
    private readonly OvsdbClient _database;
    private readonly VswitchLoop _loop;
    private readonly IBridgeHost _host;
    private long _devicesDueMs;
    private volatile bool _isEnding;

    /// <summary>Begins to follow a database.</summary>
    /// <param name="remote">Its server.</param>
    /// <param name="host">Makes bridges.</param>
    /// <param name="log">What happens.</param>
    public Vswitchd(OvsdbRemote remote, IBridgeHost host, Vlog log)
    {
        _host = host;
        Conntrack = (host as LiveBridgeHost)?.Conntrack ?? new ConntrackSettings();
        OvsdbSession session = new(new OvsdbReplica(VswitchTables.All), VswitchTables.Database, VswitchTables.Lock);
        _loop = new VswitchLoop(session, host, log.Write);
        _loop.Bridges.IsEnding = () => _isEnding;
        _database = new OvsdbClient(remote, session, () => _latch.Set(), line => log.Write("reconnect", VlogLevel.Info, line));
    }

    /// <summary>The bridges that there are; within <see cref="Locked"/>.</summary>
    public BridgeSet Bridges => _loop.Bridges;

    /// <summary>What is wanted, as it was carried out last; within <see cref="Locked"/>.</summary>
    public SwitchConfig? Config => _loop.Config;

    /// <summary>What people have set of connection tracking; within <see cref="Locked"/>.</summary>
    public ConntrackSettings Conntrack { get; }

    /// <summary>What the datapath can, as it is shown; within <see cref="Locked"/>.</summary>
    public DatapathFeatures Features { get; } = new();

    /// <summary>How often things have happened; within <see cref="Locked"/>.</summary>
    public CoverageHistory Coverage { get; } = new();

    /// <summary>Rows of the database that are known; within <see cref="Locked"/>.</summary>
    public int RowCount => _database.Session.Replica.RowCount;

    /// <summary>Does something between two rounds of the switch.</summary>
    public T Locked<T>(Func<T> work)
    {
        lock (_turn) return work();
    }

    /// <summary>A round of the switch, now. Any thread.</summary>
    public void RunOnce()
    {
        lock (_turn) Step(ProcessClock.NowMs);
    }

    /// <summary>Follows what packets have told of the network below, now. Any thread.</summary>
    public void LookAtNetwork()
    {
        lock (_turn) _host.Run(ProcessClock.NowMs);
    }

    /// <summary>Ports have changed that are no devices of the kernel: they are looked at now. Any thread.</summary>
    public void LookAtDevices()
    {
        lock (_turn)
        {
            _devicesDueMs = long.MinValue;
            Step(ProcessClock.NowMs);
        }
    }

    /// <summary>Ends <see cref="Run"/>. From any thread.</summary>
    public void End()
    {
        _isEnding = true;
        _latch.Set();
    }

    /// <summary>Runs until <see cref="End"/>.</summary>
    /// <param name="ready">Called once, when what the database wants has been carried out for the first time, and written back (OVS <c>daemonize_complete</c>).</param>
    public void Run(Action ready)
    {
        bool wasReady = false;
        PollSet set = new();
        while (!_isEnding)
        {
            int waitMs;
            lock (_turn) waitMs = Step(ProcessClock.NowMs);
            if (!wasReady && _loop.IsSettled)
            {
                wasReady = true;
                ready();
            }

            set.Clear();
            set.Add(_links.Descriptor);
            _host.Watch(set);
            set.AtMost(waitMs);
            _latch.Announce();
            if (_isEnding || _database.HasNews) _latch.Cancel();
            else _latch.Sleep(set);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_turn) _loop.Dispose();
        _database.Dispose();
        _links.Dispose();
        _latch.Dispose();
    }

    /// <summary>How often something has happened until now; null = nobody counts it. Within <see cref="Locked"/>.</summary>
    public ulong? CountOf(string name)
    {
        foreach ((string known, ulong count) in Counts().Concat(Drops()))
        {
            if (known == name) return count;
        }

        return Coverage.Read(name);
    }

    /// <summary>The datapaths of all bridges; within <see cref="Locked"/>.</summary>
    public IReadOnlyCollection<LiveDatapath> Datapaths => (_host as LiveBridgeHost)?.Datapaths ?? [];

    /// <summary>Datapaths that people have made by hand; null where there can be none. Within <see cref="Locked"/>.</summary>
    public ManualDatapaths? Manual => (_host as LiveBridgeHost)?.Manual;

    /// <summary>Why packets went nowhere. All megaflows are looked at for it: only when somebody asks.</summary>
    private IEnumerable<(string Name, ulong Count)> Drops()
    {
        ulong[] sum = new ulong[DropReasons.Count];
        foreach (LiveDatapath datapath in Datapaths)
        {
            ulong[] dropped = datapath.Datapath.DroppedByReason();
            for (int i = 0; i < sum.Length; i++) sum[i] += dropped[i];
        }

        return Enumerable.Range(0, sum.Length).Select(i => (Name: DropReasons.CounterOf((DropReason)i), Count: sum[i])).Where(static c => c.Name is not null).Select(static c => (c.Name!, c.Count));
    }

    private IEnumerable<(string Name, ulong Count)> Counts()
    {
        yield return ("bridge_reconfigure", (ulong)_loop.ReconfigureCount);
        yield return ("txn_sent", (ulong)_loop.TransactionCount);
        LiveBridge[] bridges = [.. Bridges.Names.Select(Bridges.Find).OfType<LiveBridge>()];
        yield return ("netdev_received", Datapaths.Aggregate(0UL, static (sum, d) => sum + d.Datapath.Stats.Rx));
        yield return ("netdev_sent", Datapaths.Aggregate(0UL, static (sum, d) => sum + d.Datapath.Stats.Tx));
        yield return ("mac_learning_static_none_move", bridges.Aggregate(0UL, static (sum, b) => sum + b.Pipeline.AddressStatistics.StaticNotMoved));
        yield return ("xlate_actions", Datapaths.Aggregate(0UL, static (sum, d) => sum + d.Datapath.Stats.Upcalls));
        yield return ("datapath_drop", Datapaths.Aggregate(0UL, static (sum, d) => sum + d.Datapath.Stats.Dropped));
        yield return ("datapath_drop_recirc_error", Datapaths.Aggregate(0UL, static (sum, d) => sum + d.Datapath.Stats.RecircTooDeep));
        yield return ("datapath_drop_invalid_port", Datapaths.Aggregate(0UL, static (sum, d) => sum + d.Datapath.Stats.TxNoPort + d.TunnelDrops));
        yield return ("datapath_drop_meter", Datapaths.Aggregate(0UL, static (sum, d) => sum + d.Datapath.Stats.DroppedByMeter));
    }

    private int Step(long nowMs)
    {
        int waitMs = _database.Run(nowMs);
        bool hasDeviceNews = false;
        while (_links.TryRead(out RtEvent? told))
        {
            hasDeviceNews |= told.Kind == RtEventKind.Link;
            if (told.Kind == RtEventKind.Overrun) _links.DumpAgain();
        }

        if (hasDeviceNews || nowMs >= _devicesDueMs)
        {
            bool hasChanged = hasDeviceNews || _devicesDueMs == long.MinValue;
            _devicesDueMs = nowMs + DevicesMs;
            foreach (LiveDatapath datapath in Datapaths.Concat((Manual?.All ?? []).Select(static m => m.Live))) datapath.Live.Ports.Refresh(nowMs);
            foreach (string name in Bridges.Names) (Bridges.Find(name) as LiveBridge)?.Look();
            _loop.DevicesChanged(hasChanged);
        }

        Coverage.Sample(nowMs, Counts());

        foreach (string name in Bridges.Names) (Bridges.Find(name) as LiveBridge)?.Run(LiveSwitch.NowMs);
        waitMs = Math.Min(waitMs, _loop.Run(nowMs));

        // What has just been concluded is said at once.
        return Math.Min(waitMs, _database.Run(nowMs));
    }
}
