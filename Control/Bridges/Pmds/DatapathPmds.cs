using System.Globalization;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Runtime;

namespace Mergeflow.Control.Bridges;

/// <summary>
/// The packet threads of a datapath and who of them polls what (OVS <c>reconfigure_datapath</c>). The first one, the main thread, has no processor: it polls ports that packet threads do not poll, and all of them where the datapath has no other thread. The others have a processor each, and run while
/// the mask of processors says so. For the thread that makes bridges.
/// </summary>
public sealed partial class DatapathPmds
{
    /// <summary>Index of the main thread.</summary>
    public const int Main = 0;

    private readonly LiveSwitch _live;
    private readonly NumaTopology _topology;
    private readonly Action<VlogLevel, string> _say;

    /// <summary>By processor.</summary>
    private readonly SortedDictionary<int, PmdPlace> _places = [];
    private readonly Dictionary<RxQueueName, PmdQueue> _queues = [];
    private PmdPort[] _ports = [];
    private IReadOnlyDictionary<string, string> _affinities = new Dictionary<string, string>();
    private PmdSettings _settings = new();
    private bool _isConfigured;
    private bool _isRequested;
    private bool _saysFixed;

    internal DatapathPmds(LiveSwitch live, NumaTopology topology, Action<VlogLevel, string> say) => (_live, _topology, _say) = (live, topology, say);

    /// <summary>Packet threads that have a processor, by its number.</summary>
    public IReadOnlyCollection<PmdPlace> Threads => _places.Values;

    /// <summary>Queues that the main thread polls although packet threads would, as there are none.</summary>
    public IReadOnlyList<PmdQueue> MainQueues => HasPlaces ? [] : [.. Shown(_queues.Values)];

    /// <summary>Other packet threads than the main one can run: it was made for that.</summary>
    public bool HasPlaces => _live.Datapath.Pmds.Count > 1;

    /// <summary>The processor of a packet thread; null = it is the main thread, or does not run.</summary>
    public PmdCpu? CpuOf(int pmd) => _places.Values.FirstOrDefault(p => p.Index == pmd)?.Cpu;

    /// <summary>Whether a packet thread runs.</summary>
    public bool Runs(int pmd) => pmd == Main || CpuOf(pmd) is not null;

    /// <summary>Queues are assigned anew with the next <see cref="Run"/> (<c>dpif-netdev/pmd-rxq-rebalance</c>).</summary>
    public void Rebalance() => _isRequested = true;

    /// <summary>Has threads run and queues polled as the database wants it.</summary>
    /// <param name="settings">What it says of threads.</param>
    /// <param name="affinities">What it says of the queues of ports, by the ports' names.</param>
    /// <param name="nowMs">The time.</param>
    internal void Configure(PmdSettings settings, IReadOnlyDictionary<string, string> affinities, long nowMs)
    {
        SaySettings(_isConfigured ? _settings : null, settings);
        _affinities = affinities;
        bool isSame = _isConfigured && PortsNow().SequenceEqual(_ports) && (settings.Cpus, settings.Assign, settings.PinsIsolate) == (_settings.Cpus, _settings.Assign, _settings.PinsIsolate);
        (_settings, _isConfigured) = (settings, true);
        if (!isSame) Reconfigure(nowMs);
    }

    /// <summary>Measures, balances if that is asked for, and assigns queues anew if somebody has asked.</summary>
    internal void Run(long nowMs)
    {
        if (!_isConfigured) return;
        foreach (PmdPlace place in _places.Values) place.Run(_live.BusyTicksOf, _settings.Balances ? _settings.LoadPercent : null, nowMs);
        Balance(nowMs);
        if (_isRequested) Reconfigure(nowMs);
    }

    private void Reconfigure(long nowMs)
    {
        _isRequested = false;
        _ports = [.. PortsNow()];
        FollowQueues();
        if (!HasPlaces)
        {
            if (_settings.Cpus is not null && !_saysFixed) _say(VlogLevel.Warn, "other_config:pmd-cpu-mask: the datapath was made without it, and has one packet thread until it is made anew");
            _saysFixed |= _settings.Cpus is not null;
            return;
        }

        PmdCpu[] wanted = [.. Wanted().Take(_live.Datapath.Pmds.Count - 1)];
        PmdPlace[] gone = [.. _places.Values.Where(p => !wanted.Contains(p.Cpu))];
        PmdCpu[] come = [.. wanted.Where(c => !_places.ContainsKey(c.Cpu))];
        bool isOther = gone.Length + come.Length > 0;

        // There is room for all that run before and behind the change, unless there are too many processors.
        if (_places.Count + come.Length > _live.Datapath.Pmds.Count - 1)
        {
            End(gone, nowMs);
            gone = [];
        }

        foreach (PmdCpu cpu in come) Start(cpu, nowMs);
        RxqSchedule schedule = RxqScheduler.Run(wanted, Demands(), _settings.Assign, _settings.PinsIsolate);
        SayDecisions(schedule, VlogLevel.Info);
        Carry(schedule, gone, nowMs);
        End(gone, nowMs);
        if (isOther)
        {
            foreach ((int node, int count) in NumaTopology.CountByNode(wanted)) Say($"There are {count} pmd threads on numa node {node}");
        }

        _hasChanged = true;
    }

    private IEnumerable<PmdPort> PortsNow()
        => _live.Ports.All.Where(static p => p.IsPmd && p.QueueCount > 0).Select(p => new PmdPort(p, p.QueueCount, p.NumaNode, _affinities.GetValueOrDefault(p.Name)));

    /// <summary>Processors that are to have a thread: none while there is nothing to poll.</summary>
    private IEnumerable<PmdCpu> Wanted()
        => _ports.Length == 0 ? [] : _settings.Cpus is { } mask ? _topology.Of(mask) : _topology.OneOfEachNode();

    private void Start(PmdCpu cpu, long nowMs)
    {
        int index = Enumerable.Range(Main + 1, _live.Datapath.Pmds.Count - 1).First(i => _places.Values.All(p => p.Index != i));
        PmdPlace place = new(cpu, _live.Datapath.Pmds[index]);
        _places.Add(cpu.Cpu, place);
        _live.StartPmd(index, _topology.IsDummy ? null : cpu.Cpu);
        place.Restart(_live.BusyTicksOf, nowMs);
        Say($"PMD thread on numa_id: {cpu.Node}, core id: {cpu.Cpu,2} created.");
    }

    /// <summary>What has queues gives them up first.</summary>
    private void End(IEnumerable<PmdPlace> gone, long nowMs)
    {
        foreach (PmdPlace place in gone)
        {
            foreach (PmdQueue queue in place.Queues.Where(q => _queues.GetValueOrDefault(q.Name) == q)) _live.HoldQueue(queue.Name);
            _live.EndPmd(place.Index, nowMs);
            _places.Remove(place.Cpu.Cpu);
            Say($"PMD thread on numa_id: {place.Cpu.Node}, core id: {place.Cpu.Cpu,2} destroyed.");
        }
    }

    /// <summary>Has each queue polled by its thread: a queue that goes to another one is let go by the first before.</summary>
    private void Carry(RxqSchedule schedule, PmdPlace[] gone, long nowMs)
    {
        Dictionary<int, List<PmdQueue>> queuesOf = _places.Keys.ToDictionary(static c => c, static _ => new List<PmdQueue>());
        foreach (RxqDecision decision in schedule.Decisions)
        {
            if (decision.Verdict == RxqVerdict.PinRefused) continue;
            RxQueueName name = decision.Demand.Queue;
            if (decision.Pmd is not { } pmd)
            {
                _live.HoldQueue(name);
                continue;
            }

            queuesOf[pmd.Cpu].Add(_queues[name]);
            _live.MoveQueue(name, _places[pmd.Cpu].Index);
        }

        foreach (PmdShare share in schedule.Shares) _places[share.Pmd.Cpu].IsIsolated = share.IsIsolated;
        foreach (PmdPlace place in _places.Values.Except(gone))
        {
            PmdQueue[] queues = [.. Shown(queuesOf[place.Cpu.Cpu])];
            if (queues.SequenceEqual(place.Queues)) continue;
            place.Queues = queues;
            place.Restart(_live.BusyTicksOf, nowMs);
        }

        foreach (PmdPlace place in gone) place.Queues = [];
    }

    /// <summary>Knows the queues that there are, and no others; a port that is another one than before has new ones.</summary>
    private void FollowQueues()
    {
        Dictionary<RxQueueName, PmdQueue> before = new(_queues);
        _queues.Clear();
        foreach (PmdPort port in _ports)
        {
            for (int q = 0; q < port.QueueCount; q++)
            {
                RxQueueName name = new(port.Port.Number, q);
                _queues[name] = before.TryGetValue(name, out PmdQueue? known) && known.Of == port.Port ? known : new PmdQueue(name, port.Port);
            }
        }
    }

    private RxqDemand[] Demands()
    {
        List<RxqDemand> demands = [];
        foreach (PmdPort port in _ports)
        {
            IReadOnlyDictionary<int, int>? pins = RxqAffinity.Parse(port.Affinity);
            for (int q = 0; q < port.QueueCount; q++)
            {
                RxQueueName name = new(port.Port.Number, q);
                demands.Add(new RxqDemand(name, port.Node, pins is not null && pins.TryGetValue(q, out int cpu) ? cpu : null, _settings.Assign == RxqAssign.RoundRobin ? 0 : _queues[name].History.Sum(LoadHistory.Count)));
            }
        }

        return [.. demands];
    }

    private static IEnumerable<PmdQueue> Shown(IEnumerable<PmdQueue> queues) => queues.OrderBy(static q => q.Of.Name, StringComparer.Ordinal).ThenBy(static q => q.Name.Index);

    private void Say(FormattableString text) => _say(VlogLevel.Info, text.ToString(CultureInfo.InvariantCulture));

    private sealed record PmdPort(LivePort Port, int QueueCount, int? Node, string? Affinity);
}
