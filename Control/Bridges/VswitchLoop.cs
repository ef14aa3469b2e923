using System.Globalization;
using Mergeflow.Control.Ovsdb;

namespace Mergeflow.Control.Bridges;

/// <summary>
/// Follows the database and makes the switch so (OVS <c>bridge_run</c>). Without the lock it does nothing; while the server is away the switch stays as it was and forwards on. A change is carried out and written back in one
/// transaction; one transaction is under way at a time, so what was written is not written again. For one thread.
/// </summary>
/// <param name="session">The database.</param>
/// <param name="host">Makes bridges.</param>
/// <param name="log">Takes lines: module, level, text.</param>
public sealed class VswitchLoop(OvsdbSession session, IBridgeHost host, Action<string, VlogLevel, string> log) : IDisposable
{
    private const int DefaultStatisticsMs = 5000;
    private const int StatusMs = 100;

    private readonly BridgeSet _bridges = new(host, log);
    private long? _appliedCfg;
    private long _statisticsDueMs;
    private int _statisticsEveryMs = DefaultStatisticsMs;
    private long _statusDueMs;
    private bool _isDirty = true;
    private bool _hadLock;
    private bool _wasContended;
    private bool _isWriting;
    private bool _hasNews = true;

    /// <summary>The bridges that there are.</summary>
    public BridgeSet Bridges => _bridges;

    /// <summary>What is wanted, as it was carried out last; null = nothing yet.</summary>
    public SwitchConfig? Config { get; private set; }

    /// <summary>All that the database wants has been carried out, and what became of it has been written.</summary>
    public bool IsSettled { get; private set; }

    /// <summary>Times that a change of the database has been carried out.</summary>
    public long ReconfigureCount { get; private set; }

    /// <summary>Transactions that were sent.</summary>
    public long TransactionCount { get; private set; }

    /// <summary>Devices are looked at: states are written, and what has lost its device goes.</summary>
    /// <param name="hasChanged">Some have changed: those that could not be opened are tried again.</param>
    public void DevicesChanged(bool hasChanged = true)
    {
        _hasNews = true;
        if ((hasChanged && _bridges.HasFailures) || _bridges.HasLost()) _isDirty = true;
    }

    /// <summary>Does what is to be done now; never waits.</summary>
    /// <returns>When it is to be called again at the latest, ms from now.</returns>
    public int Run(long nowMs)
    {
        host.Run(nowMs);
        if (session.IsLockContended && _hadLock)
        {
            _bridges.Dispose();
            (Config, _appliedCfg, _isDirty) = (null, null, true);
        }

        if (session.IsLockContended && !_wasContended) log("bridge", VlogLevel.Err, string.Create(CultureInfo.InvariantCulture, $"another ovs-vswitchd process is running, disabling this process (pid {Environment.ProcessId}) until it goes away"));
        _wasContended = session.IsLockContended;

        _hadLock = session.HasLock || (_hadLock && !session.IsLockContended);
        if (!session.IsSynchronized || !session.HasLock)
        {
            (_isWriting, IsSettled) = (false, false);
            return StatusMs;
        }

        if (session.Replica.TakeChanges().Any(static c => c.ConcernsOthersColumns)) _isDirty = true;
        if (_isDirty) Reconfigure(nowMs);
        if (!_isWriting && (_hasNews || nowMs >= _statusDueMs)) Write(nowMs);
        IsSettled = !_isWriting;
        return StatusMs;
    }

    /// <inheritdoc/>
    public void Dispose() => _bridges.Dispose();

    private void Reconfigure(long nowMs)
    {
        (_isDirty, _hasNews) = (false, true);
        if (ConfigReader.Read(session.Replica, line => log("bridge", VlogLevel.Warn, line)) is not { } wanted) return;
        ReconfigureCount++;
        host.SetTls(wanted.Tls);
        host.Prepare(wanted);
        _bridges.Apply(wanted, nowMs);
        host.Run(nowMs);
        Config = wanted;
        _appliedCfg = wanted.NextCfg;
    }

    private void Write(long nowMs)
    {
        if (Config is not { } config || _appliedCfg is not { } applied) return;
        (_hasNews, _statusDueMs) = (false, nowMs + StatusMs);
        int everyMs = config.OtherConfig.TryGetValue("stats-update-interval", out string? text) && int.TryParse(text, out int ms) ? Math.Max(ms, DefaultStatisticsMs) : DefaultStatisticsMs;
        bool withStatistics = nowMs >= _statisticsDueMs || everyMs != _statisticsEveryMs;
        _statisticsEveryMs = everyMs;
        if (withStatistics) _statisticsDueMs = nowMs + everyMs;
        Writeback values = new();
        _bridges.Report(values, withStatistics);
        foreach (OvsdbRow datapath in session.Replica.Rows(VswitchTables.Datapath.Name)) values.Set(VswitchTables.Datapath, datapath.Id, "capabilities", host.Capabilities);
        values.Set(VswitchTables.OpenVSwitch, config.Root, "datapath_types", host.DatapathTypes);
        values.Set(VswitchTables.OpenVSwitch, config.Root, "iface_types", host.InterfaceTypes);
        values.Set(VswitchTables.OpenVSwitch, config.Root, "dpdk_version", "none");
        if (config.OtherConfig.GetValueOrDefault("enable-statistics") != "true") values.Set(VswitchTables.OpenVSwitch, config.Root, "statistics", new SortedDictionary<string, string>());
        else if (withStatistics) values.Set(VswitchTables.OpenVSwitch, config.Root, "statistics", SystemStatistics.Read());
        values.Set(VswitchTables.OpenVSwitch, config.Root, "cur_cfg", OvsdbDatum.Of(OvsdbAtom.Of(applied)));
        if (values.Against(session.Replica, session.HasColumn) is not { } transaction) return;
        TransactionCount++;
        _isWriting = true;
        session.Transact(transaction, reply =>
        {
            (_isWriting, _hasNews) = (false, true);
            if (OvsdbTransaction.ErrorOf(reply) is not { } error) return;

            // Tried again when states are looked at the next time.
            _hasNews = false;
            log("bridge", VlogLevel.Warn, $"the database refuses what the switch writes: {error}");
        });
    }
}
