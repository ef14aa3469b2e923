namespace Mergeflow.Control.Bridges;

/// <summary>The bridges that there are, made so as they are wanted. For one thread.</summary>
/// <param name="host">Makes them.</param>
/// <param name="log">Takes lines: module, level, text.</param>
public sealed class BridgeSet(IBridgeHost host, Action<string, VlogLevel, string> log) : IDisposable
{
    private readonly SortedDictionary<string, Bridge> _bridges = new(StringComparer.Ordinal);

    /// <summary>As it was wanted last; null = nothing has been wanted.</summary>
    private SwitchConfig? _wanted;

    /// <summary>The switch ends: what is not done yet need not be done.</summary>
    public Func<bool> IsEnding { get; set; } = static () => false;

    /// <summary>Names of the bridges, in order.</summary>
    public IReadOnlyCollection<string> Names => _bridges.Keys;

    /// <summary>Some interface is wanted and not there: it is tried again when devices come or go.</summary>
    public bool HasFailures => _bridges.Values.Any(static b => b.Failed.Count > 0);

    /// <summary>A bridge; null = there is none of that name.</summary>
    public IHostedBridge? Find(string name) => _bridges.TryGetValue(name, out Bridge? bridge) ? bridge.Hosted : null;

    /// <summary>OpenFlow numbers of the interfaces of a bridge, by name.</summary>
    public IReadOnlyDictionary<string, int> OfportsOf(string bridge) => _bridges.TryGetValue(bridge, out Bridge? b) ? b.Ofports : new Dictionary<string, int>();

    /// <summary>Some interface has lost its device.</summary>
    public bool HasLost() => _bridges.Values.Any(static b => b.Open.Values.Any(i => !b.Hosted.IsThere(i.Ofport)));

    /// <summary>Makes the switch as it is wanted. What cannot be done is said and stands in the database; the rest is done.</summary>
    public void Apply(SwitchConfig wanted, long nowMs)
    {
        _wanted = wanted;
        ActualBridge[] actual = [.. _bridges.Values.Select(static b => b.Actual())];
        foreach (Bridge bridge in _bridges.Values) bridge.TryAgain();
        foreach (BridgeStep step in BridgeSteps.Between(wanted, actual))
        {
            if (IsEnding()) return;
            switch (step)
            {
                case RemoveBridge:
                    Remove(step.Bridge);
                    break;
                case AddBridge add:
                    Create(add.Config);
                    break;
                case RemoveInterface remove when _bridges.TryGetValue(step.Bridge, out Bridge? bridge):
                    bridge.Remove(remove.Name, nowMs);
                    log("bridge", VlogLevel.Info, $"bridge {step.Bridge}: deleted interface {remove.Name}");
                    break;
                case AddInterface add when _bridges.TryGetValue(step.Bridge, out Bridge? bridge):
                    Add(bridge, add.Config, nowMs);
                    break;
                case Configure configure when _bridges.TryGetValue(step.Bridge, out Bridge? bridge):
                    foreach (string refused in configure.Config.Refused.Except(bridge.IsNew ? [] : bridge.Config.Refused)) log("bridge", VlogLevel.Warn, $"bridge {configure.Config.Name}: {refused} is not supported, ignoring");
                    foreach (InterfaceConfig member in configure.Config.Interfaces)
                    {
                        string[] before = bridge.IsNew ? [] : [.. bridge.Config.Interfaces.Where(i => i.Name == member.Name).SelectMany(static i => i.Refused)];
                        foreach (string refused in member.Refused.Except(before)) log("bridge", VlogLevel.Warn, $"interface {member.Name}: {refused} is not supported, ignoring");
                    }

                    (bridge.Config, bridge.IsNew) = (configure.Config, false);
                    foreach (string line in bridge.Hosted.Configure(configure.Config, bridge.Ofports)) log("bridge", VlogLevel.Warn, line);
                    if (bridge.ShownId == bridge.Hosted.DatapathId) break;
                    bridge.ShownId = bridge.Hosted.DatapathId;
                    log("bridge", VlogLevel.Info, $"bridge {step.Bridge}: using datapath ID {bridge.ShownId:x16}");
                    break;
            }
        }

        host.Finish(wanted, nowMs);
    }

    /// <summary>Takes an interface away until the next <see cref="Apply"/> that wants it (OVS <c>dpctl/del-if</c>); false if there is none.</summary>
    public bool Drop(string bridge, string name, long nowMs)
    {
        if (!_bridges.TryGetValue(bridge, out Bridge? b) || !b.Open.ContainsKey(name)) return false;
        b.Remove(name, nowMs);
        if (_wanted is { } wanted) host.Finish(wanted, nowMs);
        return true;
    }

    /// <summary>Wants what bridges and interfaces are to stand in the database.</summary>
    /// <param name="into">Takes the values.</param>
    /// <param name="withStatistics">What has been counted, too.</param>
    public void Report(Writeback into, bool withStatistics)
    {
        foreach (Bridge bridge in _bridges.Values)
        {
            into.Set(VswitchTables.Bridge, bridge.Config.Id, "datapath_id", bridge.Hosted.DatapathId.ToString("x16", System.Globalization.CultureInfo.InvariantCulture));
            into.Set(VswitchTables.Bridge, bridge.Config.Id, "datapath_version", OvsdbText("<built-in>"));
            bridge.Controllers.Write(into, bridge.Config, bridge.Hosted, withStatistics);
            into.Set(VswitchTables.Bridge, bridge.Config.Id, "status", bridge.Config.Refused.Count == 0 ? [] : new SortedDictionary<string, string>(StringComparer.Ordinal) { ["not_supported"] = string.Join(',', bridge.Config.Refused) });
            bridge.Hosted.Report(into, withStatistics);
            foreach (InterfaceConfig wanted in bridge.Config.Interfaces)
            {
                if (bridge.Open.TryGetValue(wanted.Name, out OpenInterface? open)) InterfaceReport.Write(into, wanted.Id, open.Ofport, bridge.Hosted, withStatistics, wanted.Refused);
                else InterfaceReport.WriteFailed(into, wanted.Id, bridge.Failed.GetValueOrDefault(wanted.Name));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (string name in _bridges.Keys.ToArray()) Remove(name);
    }

    private static Ovsdb.OvsdbDatum OvsdbText(string text) => Ovsdb.OvsdbDatum.Of(Ovsdb.OvsdbAtom.Of(text));

    private void Create(BridgeConfig config)
    {
        try
        {
            if (!host.DatapathTypes.Contains(config.DatapathType))
            {
                log("ofproto", VlogLevel.Warn, $"could not create datapath {config.Name} of unknown type {config.DatapathType}");
                throw new IOException("Address family not supported by protocol");
            }

            _bridges.Add(config.Name, new Bridge(config, host.Create(config)));
        }
        catch (IOException e)
        {
            log("bridge", VlogLevel.Err, $"failed to create bridge {config.Name}: {e.Message}");
        }
    }

    private void Remove(string name)
    {
        if (!_bridges.Remove(name, out Bridge? bridge)) return;
        bridge.Hosted.Dispose();
        foreach ((string member, OpenInterface open) in bridge.Open) log("bridge", VlogLevel.Info, $"bridge {name}: deleted interface {member} on port {open.Ofport}");
    }

    private void Add(Bridge bridge, InterfaceConfig config, long nowMs)
    {
        int? asked = config.OfportRequest ?? (bridge.Open.Values.Any(i => i.Ofport == config.OfportBefore) ? null : config.OfportBefore);
        int? ofport = config.Name == bridge.Config.Name ? OfportAllocator.Local : bridge.Numbers.Take(asked, nowMs);
        if (ofport is not { } number)
        {
            bridge.Failed[config.Name] = $"could not add network device {config.Name} to ofproto (Too many users)";
            return;
        }

        try
        {
            bridge.Hosted.Add(config, number);
            bridge.Open.Add(config.Name, new OpenInterface(config, number));
            log("bridge", VlogLevel.Info, $"bridge {bridge.Config.Name}: added interface {config.Name} on port {number}");
        }
        catch (IOException e)
        {
            bridge.Numbers.Forget(number);
            if (bridge.FailedBefore.GetValueOrDefault(config.Name) != e.Message) log("bridge", VlogLevel.Warn, e.Message);
            bridge.Failed[config.Name] = e.Message;
        }
    }

    private sealed record OpenInterface(InterfaceConfig Config, int Ofport);

    private sealed class Bridge(BridgeConfig config, IHostedBridge hosted)
    {
        public BridgeConfig Config { get; set; } = config;

        /// <summary>Not configured yet.</summary>
        public bool IsNew { get; set; } = true;

        public IHostedBridge Hosted { get; } = hosted;

        /// <summary>The datapath id that the log tells.</summary>
        public ulong? ShownId { get; set; }

        public OfportAllocator Numbers { get; } = new();

        public ControllerReport Controllers { get; } = new();

        public Dictionary<string, OpenInterface> Open { get; } = new(StringComparer.Ordinal);

        /// <summary>Why interfaces are not there that are wanted.</summary>
        public Dictionary<string, string> Failed { get; private set; } = new(StringComparer.Ordinal);

        /// <summary>Why they were not there when they were tried the time before: what has been said is not said again.</summary>
        public Dictionary<string, string> FailedBefore { get; private set; } = new(StringComparer.Ordinal);

        public IReadOnlyDictionary<string, int> Ofports => Open.ToDictionary(static i => i.Key, static i => i.Value.Ofport, StringComparer.Ordinal);

        public ActualBridge Actual()
            => new(Config.Name, Config.DatapathType, [.. Open.Values.Select(i => new ActualInterface(i.Config.Name, i.Config.Type, i.Ofport, i.Config.Options, !Hosted.IsThere(i.Ofport)))]);

        /// <summary>What is not there is tried again.</summary>
        public void TryAgain() => (FailedBefore, Failed) = (Failed, new Dictionary<string, string>(StringComparer.Ordinal));

        public void Remove(string name, long nowMs)
        {
            if (!Open.Remove(name, out OpenInterface? gone)) return;
            Hosted.Remove(gone.Ofport);
            Numbers.Release(gone.Ofport, nowMs);
        }
    }
}
