namespace Mergeflow.Control.OpenFlow;

/// <summary>
/// The controllers of a switch: those that it connects to, those that it waits for, and what it does without them (OVS <c>struct connmgr</c>). For any thread.
/// </summary>
/// <param name="of">The switch.</param>
/// <param name="group">Its connections.</param>
/// <param name="tls">Keys.</param>
/// <param name="log">Takes lines: module, whether it is a warning, text.</param>
public sealed class OfControllers(LiveOfSwitch of, OfConnectionGroup group, OfTls tls, Action<string, bool, string> log) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Service> _services = new(StringComparer.Ordinal);
    private readonly OfFailOpen _failOpen = new();
    private OfServer? _snoops;
    private bool _isStandalone;
    private bool _tellsMisses;

    /// <summary>Makes the controllers these; those that are so already keep their connections. When the first one comes or the last one goes, all flows go.</summary>
    /// <param name="wanted">By target.</param>
    /// <param name="isStandalone">Without controllers the switch learns addresses.</param>
    /// <returns>Lines about what cannot be done.</returns>
    public IReadOnlyList<string> Configure(IReadOnlyDictionary<string, OfControllerSettings> wanted, bool isStandalone)
    {
        List<string> failures = [];
        lock (_lock)
        {
            bool had = HasPrimary;
            foreach ((string target, Service service) in _services.ToArray())
            {
                if (wanted.TryGetValue(target, out OfControllerSettings? settings) && settings.Versions == service.Settings.Versions && settings.IsService == service.Settings.IsService) continue;
                _services.Remove(target);
                service.Dispose();
                log("connmgr", false, $"{of.Name}: removed {Kind(service.Settings)} controller \"{target}\"");
            }

            foreach ((string target, OfControllerSettings settings) in wanted)
            {
                if (_services.TryGetValue(target, out Service? service)) service.Configure(settings);
                else if (Open(target, settings) is { } failure) failures.Add(failure);
            }

            bool hasOtherMode = isStandalone != _isStandalone;
            _isStandalone = isStandalone;
            if (_failOpen.IsOpen && !(isStandalone && HasPrimary)) EndFailOpen();
            if (had != HasPrimary || (hasOtherMode && !HasPrimary)) of.FlushFlows(learns: isStandalone && !HasPrimary);
        }

        return failures;
    }

    /// <summary>Waits for those who listen to what controllers say.</summary>
    /// <param name="path">Of the socket.</param>
    /// <exception cref="IOException">It cannot listen there.</exception>
    public void Snoop(string path) => _snoops ??= new OfServer(OfTarget.Parse($"punix:{path}"), OfServer.AnySettings, tls, sink => new OfSnooper(sink, MostImportant));

    /// <summary>What has become of those that the switch connects to.</summary>
    public IReadOnlyList<OfControllerStatus> Status()
    {
        lock (_lock) return [.. _services.Values.Select(static s => s.Dial).OfType<OfDial>().Select(static d => d.Status())];
    }

    /// <summary>Ends the connections that the switch has begun, and begins them anew (OVS <c>connmgr_reconnect</c>).</summary>
    public void Reconnect()
    {
        lock (_lock)
        {
            foreach (Service service in _services.Values) service.Dial?.Reconnect();
        }
    }

    /// <summary>Looks after connections, from time to time.</summary>
    public void Run(long nowMs)
    {
        _snoops?.Tick(nowMs);
        lock (_lock)
        {
            foreach (Service service in _services.Values) service.Tick(nowMs);
            if (_isStandalone && HasPrimary) LookAtFailure(nowMs);
        }

        foreach (OfConnection connection in group.All) connection.Tick(nowMs);
        if (!HasNews) return;
        _tellsMisses = !_tellsMisses;
        of.TellMisses(_tellsMisses);
    }

    /// <summary>Somebody wants what nobody has wanted so far, or the other way round: <see cref="Run"/> sees to it.</summary>
    internal bool HasNews => group.All.Any(static c => c.WantsMisses) != _tellsMisses;

    /// <summary>Packets wait for their time to go out.</summary>
    internal bool HasWaiting => group.All.Any(static c => c.HasWaiting);

    /// <inheritdoc/>
    public void Dispose()
    {
        Service[] services;
        lock (_lock)
        {
            services = [.. _services.Values];
            _services.Clear();
        }

        foreach (Service service in services) service.Dispose();
        _snoops?.Dispose();
    }

    /// <summary>Waits for others at a target, besides; a line that says why not.</summary>
    internal string? Open(string target) => Open(target, OfServer.AnySettings);

    private static string Kind(OfControllerSettings settings) => settings.IsService ? "service" : "primary";

    private bool HasPrimary => _services.Values.Any(static s => !s.Settings.IsService);

    private string? Open(string target, OfControllerSettings settings)
    {
        try
        {
            OfTarget where = OfTarget.Parse(target);
            Service service = new() { Settings = settings };
            if (where.IsPassive) service.Server = new OfServer(where, settings, tls, sink => new OfConnection(of, sink, group, service.Settings));
            else service.Dial = new OfDial(where, settings, tls, (sink, dial) => new OfConnection(of, sink, group, service.Settings, dial.Listeners), (isWarning, line) => log("rconn", isWarning, $"{of.Name}<->{target}: {line}"));
            _services.Add(target, service);
            log("connmgr", false, $"{of.Name}: added {Kind(settings)} controller \"{target}\"");
            return null;
        }
        catch (Exception e) when (e is FormatException or IOException)
        {
            return $"{of.Name}: {e.Message}";
        }
    }

    /// <summary>Those of the controller that counts most: the primary, then equals, then secondaries.</summary>
    private OfListeners? MostImportant()
    {
        lock (_lock)
        {
            return _services.Values.Select(static s => s.Dial).OfType<OfDial>().MaxBy(static d => d.Connection?.Role switch { 2 => 3, 1 => 2, 3 => 1, _ => 0 })?.Listeners;
        }
    }

    private void LookAtFailure(long nowMs)
    {
        OfDial[] primaries = [.. _services.Values.Where(static s => !s.Settings.IsService).Select(static s => s.Dial).OfType<OfDial>()];
        int failureSeconds = primaries.Length == 0 ? 0 : primaries.Min(static d => d.FailureSeconds);
        int probeMs = _services.Values.Where(static s => !s.Settings.IsService).Max(static s => s.Settings.ProbeMs);
        if (_failOpen.Changes(failureSeconds, probeMs))
        {
            if (_failOpen.IsOpen)
            {
                log("fail_open", true, $"Could not connect to controller (or switch failed controller's post-connection admission control policy) for {failureSeconds} seconds, failing open");
                of.FlushFlows(learns: false);
                of.StandAlone(true);
            }
            else
            {
                EndFailOpen();
            }
        }

        if (_failOpen.Tells(primaries.Any(static d => d.Connection is not null), nowMs)) of.TellOfNoPacket(group);
    }

    private void EndFailOpen()
    {
        log("fail_open", true, "No longer in fail-open mode");
        _failOpen.End();
        of.StandAlone(false);
    }

    /// <summary>One of them.</summary>
    private sealed class Service : IDisposable
    {
        public required OfControllerSettings Settings { get; set; }

        /// <summary>The switch connects to it.</summary>
        public OfDial? Dial { get; set; }

        /// <summary>The switch waits for it.</summary>
        public OfServer? Server { get; set; }

        public void Configure(OfControllerSettings settings)
        {
            Settings = settings;
            Dial?.Configure(settings);
            Server?.Configure(settings);
        }

        public void Tick(long nowMs)
        {
            Dial?.Tick(nowMs);
            Server?.Tick(nowMs);
        }

        public void Dispose()
        {
            Dial?.Dispose();
            Server?.Dispose();
        }
    }
}
