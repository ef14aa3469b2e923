namespace Mergeflow.Control.OpenFlow;

/// <content>Flow monitors (OVS <c>ofmonitor_*</c>).</content>
public sealed partial class OfConnection
{
    private const int ModifiesMonitor = 1;
    private const int RemovesMonitor = 2;

    /// <summary>Monitors that a connection may have: each looks at every change.</summary>
    private const int MaxMonitors = 1000;

    private readonly Lock _monitorLock = new();
    private readonly Dictionary<uint, OfFlowMonitor> _monitors = [];

    /// <summary>It watches flows.</summary>
    private bool HasMonitors
    {
        get
        {
            lock (_monitorLock) return _monitors.Count > 0;
        }
    }

    private void StartMonitors(OfFlowMonitorRequest request)
    {
        List<OfFlowMonitor> started = [];
        lock (_monitorLock)
        {
            try
            {
                foreach (OfFlowMonitor monitor in request.Monitors) StartOrRemove(monitor, started);
            }
            catch (OfRefusal)
            {
                foreach (OfFlowMonitor monitor in started) _monitors.Remove(monitor.Id);
                throw;
            }
        }

        MultipartReply reply = Begin(new OfFlowMonitorReply { Kind = OfKind.FlowMonitorReply }, request);
        HashSet<OfRule> told = [];
        foreach (OfFlowMonitor monitor in started.Where(static m => m.Flags.HasFlag(OfMonitorFlags.Initial)))
        {
            foreach (OfRule rule in _switch.Rules(Selection(monitor)))
            {
                if (told.Add(rule)) reply.Add(Update(rule, OfFlowEvent.Initial, 0, monitor.Flags.HasFlag(OfMonitorFlags.Actions)), Put);
            }
        }

        reply.End();
    }

    private void StartOrRemove(OfFlowMonitor monitor, List<OfFlowMonitor> started)
    {
        switch (monitor.Command)
        {
            case RemovesMonitor when _version >= OfVersion.V14:
                if (!_monitors.Remove(monitor.Id)) throw new OfRefusal("OFPMOFC_UNKNOWN_MONITOR", $"monitor {monitor.Id}");
                break;
            case ModifiesMonitor:
                throw new OfRefusal("OFPMOFC_BAD_COMMAND", "a monitor cannot be modified");
            default:
                if (_monitors.Count >= MaxMonitors) throw new OfRefusal("OFPMOFC_UNKNOWN", $"there are {MaxMonitors} monitors");
                if (!_monitors.TryAdd(monitor.Id, monitor)) throw new OfRefusal("OFPMOFC_MONITOR_EXISTS", $"monitor {monitor.Id}");
                started.Add(monitor);
                break;
        }
    }

    private void CancelMonitor(uint id)
    {
        lock (_monitorLock)
        {
            if (!_monitors.Remove(id)) throw new OfRefusal("OFPMOFC_UNKNOWN_MONITOR", $"monitor {id}");
        }
    }

    /// <summary>Rules have changed: those who watch are told.</summary>
    /// <param name="changes">In their order; each with the rule before and after, null = there is none.</param>
    /// <param name="owner">Whose modification it was; null = nobody's.</param>
    /// <param name="xid">Of the modification.</param>
    public void OnFlows(IReadOnlyList<RuleEvent> changes, OfConnection? owner, uint xid)
    {
        if (_version == 0) return;
        OfFlowMonitor[] monitors;
        lock (_monitorLock)
        {
            if (_monitors.Count == 0) return;
            monitors = [.. _monitors.Values];
        }

        List<OfFlowUpdate> updates = [];
        bool isAbbreviated = false;
        foreach (RuleEvent change in changes)
        {
            bool hasActions = false, isWanted = false, isOwn = false;
            foreach (OfFlowMonitor monitor in monitors)
            {
                if (!Watches(monitor, change)) continue;
                isWanted = true;
                isOwn |= (monitor.Flags & (OfMonitorFlags.Own | OfMonitorFlags.OnlyOwn)) != 0;
                hasActions |= monitor.Flags.HasFlag(OfMonitorFlags.Actions);
            }

            if (!isWanted) continue;
            if (owner == this && !isOwn) isAbbreviated = true;
            else updates.Add(Update(change.New ?? change.Old!, EventOf(change), (byte)(change.New is null ? change.End : 0), hasActions));
        }

        if (isAbbreviated) updates.Add(new OfFlowUpdate { Event = OfFlowEvent.Abbreviated, Xid = xid });
        if (updates.Count == 0) return;
        MultipartReply reply = new(new AsyncSink(_sink), NewWriter(), new OfFlowMonitorReply { Kind = OfKind.FlowMonitorReply });
        foreach (OfFlowUpdate update in updates) reply.Add(update, Put);
        reply.End();
    }

    private static bool Watches(OfFlowMonitor monitor, RuleEvent change)
    {
        if (!change.IsAdded && change is { Old: { } old, New: { } now } && old.Cookie == now.Cookie && old.Actions.Equals(now.Actions)) return false;
        OfMonitorFlags wanted = EventOf(change) switch { OfFlowEvent.Added => OfMonitorFlags.Add, OfFlowEvent.Removed => OfMonitorFlags.Delete, _ => OfMonitorFlags.Modify };
        if ((monitor.Flags & wanted) == 0) return false;
        OfRule rule = change.New ?? change.Old!;
        if (OfPipeline.IsSelected(Selection(monitor), rule)) return true;

        // A flow that goes to the port no longer is told of as well.
        return change is { New: not null, Old: { } before } && OfPipeline.IsSelected(Selection(monitor, withPort: false), rule) && OfPipeline.IsSelected(Selection(monitor, withGroup: false), before);
    }

    private static OfFlowEvent EventOf(RuleEvent change) => change.IsAdded ? OfFlowEvent.Added : change.New is null ? OfFlowEvent.Removed : OfFlowEvent.Modified;

    private static FlowMod Selection(OfFlowMonitor monitor, bool withPort = true, bool withGroup = true) => new()
    {
        Command = FlowModCommand.Delete,
        Table = monitor.Table == 255 ? null : monitor.Table,
        OutPort = !withPort || monitor.OutPort == (uint)OfReservedPort.None ? null : monitor.OutPort,
        OutGroup = !withGroup || monitor.OutGroup == uint.MaxValue ? null : monitor.OutGroup,
        Match = monitor.Match,
    };

    private static OfFlowUpdate Update(OfRule rule, OfFlowEvent what, byte reason, bool hasActions) => new()
    {
        Event = what,
        Reason = reason,
        Table = rule.Table,
        Priority = rule.Priority,
        IdleTimeoutSeconds = rule.IdleTimeoutSeconds,
        HardTimeoutSeconds = rule.HardTimeoutSeconds,
        Cookie = rule.Cookie,
        Match = rule.Match,
        Actions = hasActions ? rule.Actions : EquatableList<OfAction>.Empty,
    };

    private static void Put(OfFlowUpdate update, ref OfWire wire) => OfList.Sized(ref wire, update, static (OfFlowUpdate u, ref OfWire w) => u.Exchange(ref w));

    /// <summary>Nobody waits for somebody who watches.</summary>
    private sealed class AsyncSink(IOfSink sink) : IOfSink
    {
        public void Send(ReadOnlySpan<byte> messages) => sink.TrySend(messages);

        public bool TrySend(ReadOnlySpan<byte> message) => sink.TrySend(message);
    }
}
