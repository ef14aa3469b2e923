namespace Mergeflow.Engine.Runtime;

/// <summary>
/// Gives receive queues to packet threads that have a processor each (OVS <c>sched_numa_list_schedule</c>): pinned queues to the thread that they ask for, the others to threads of the memory node of their port, or of any node where there is none. It knows no
/// switch: what it says is carried out by <see cref="SwitchPollers.MoveQueue"/>.
/// </summary>
public sealed class RxqScheduler
{
    private readonly RxqAssign _mode;
    private readonly bool _pinsIsolate;
    private readonly SortedDictionary<int, Node> _nodes = [];
    private readonly List<RxqDecision> _decisions = [];

    /// <summary>The node that took a queue of another one last.</summary>
    private int? _lastForeign;

    private RxqScheduler(IEnumerable<PmdCpu> pmds, RxqAssign mode, bool pinsIsolate)
    {
        (_mode, _pinsIsolate) = (mode, pinsIsolate);
        foreach (PmdCpu pmd in pmds.OrderBy(static p => p.Cpu))
        {
            if (!_nodes.TryGetValue(pmd.Node, out Node? node)) _nodes.Add(pmd.Node, node = new Node());
            node.Pmds.Add(new Pmd(pmd));
        }
    }

    /// <summary>Says which thread each queue goes to.</summary>
    /// <param name="pmds">Packet threads; each processor once.</param>
    /// <param name="queues">Receive queues, in the order in which <see cref="RxqAssign.RoundRobin"/> takes them.</param>
    /// <param name="mode">How queues that are not pinned find their thread.</param>
    /// <param name="pinsIsolate">A thread with a pinned queue gets no others (OVS <c>pmd-rxq-isolate</c>).</param>
    public static RxqSchedule Run(IEnumerable<PmdCpu> pmds, IReadOnlyList<RxqDemand> queues, RxqAssign mode, bool pinsIsolate)
    {
        RxqScheduler scheduler = new(pmds, mode, pinsIsolate);
        List<RxqDemand> free = [];
        foreach (RxqDemand queue in queues)
        {
            if (!scheduler.TryPin(queue)) free.Add(queue);
        }

        IEnumerable<RxqDemand> order = mode == RxqAssign.RoundRobin ? free : free.OrderByDescending(static q => q.BusyTicks).ThenBy(static q => q.Queue.Port).ThenBy(static q => q.Queue.Index);
        foreach (RxqDemand queue in order) scheduler.Assign(queue);
        IEnumerable<Pmd> all = scheduler._nodes.Values.SelectMany(static n => n.Pmds);
        return new RxqSchedule(scheduler._decisions, [.. all.Select(static p => new PmdShare(p.Cpu, p.IsIsolated, p.QueueCount, p.BusyTicks)).OrderBy(static p => p.Pmd.Cpu)]);
    }

    private bool TryPin(RxqDemand queue)
    {
        if (queue.PinnedCpu is not { } cpu) return false;
        if (_nodes.Values.SelectMany(static n => n.Pmds).FirstOrDefault(p => p.Cpu.Cpu == cpu) is not { } pmd)
        {
            _decisions.Add(new RxqDecision(queue, RxqVerdict.PinRefused, null));
            return false;
        }

        pmd.IsIsolated |= _pinsIsolate;
        Give(queue, pmd, RxqVerdict.Pinned);
        return true;
    }

    private void Assign(RxqDemand queue)
    {
        bool isLocal = queue.Node is { } wanted && _nodes.TryGetValue(wanted, out Node? own) && own.HasRoom;
        Node? node = isLocal ? _nodes[queue.Node!.Value] : NextForeign();
        if (node is null) _decisions.Add(new RxqDecision(queue, RxqVerdict.Unpolled, null));
        else Give(queue, _mode == RxqAssign.Group ? node.Lowest(byTime: queue.BusyTicks > 0) : node.Next(turnsBack: _mode == RxqAssign.Cycles), isLocal || queue.Node is null ? RxqVerdict.Assigned : RxqVerdict.AssignedAcross);
    }

    /// <summary>The next node, behind the one that was taken last, that has a thread for queues of others; null = none has.</summary>
    private Node? NextForeign()
    {
        int[] ids = [.. _nodes.Keys];
        int at = _lastForeign is { } last ? Array.IndexOf(ids, last) : -1;
        for (int i = 0; i < ids.Length; i++)
        {
            at = (at + 1) % ids.Length;
            _lastForeign = ids[at];
            if (_nodes[ids[at]].HasRoom) return _nodes[ids[at]];
        }

        return null;
    }

    private void Give(RxqDemand queue, Pmd pmd, RxqVerdict verdict)
    {
        pmd.QueueCount++;
        pmd.BusyTicks += queue.BusyTicks;
        _decisions.Add(new RxqDecision(queue, verdict, pmd.Cpu));
    }

    private sealed class Pmd(PmdCpu cpu)
    {
        public PmdCpu Cpu => cpu;

        public bool IsIsolated { get; set; }

        public int QueueCount { get; set; }

        public long BusyTicks { get; set; }
    }

    private sealed class Node
    {
        private int _at;
        private bool _goesDown;

        public List<Pmd> Pmds { get; } = [];

        public bool HasRoom => Pmds.Exists(static p => !p.IsIsolated);

        /// <summary>The thread with the least to do, the first of several.</summary>
        public Pmd Lowest(bool byTime) => Pmds.Where(static p => !p.IsIsolated).MinBy(p => byTime ? p.BusyTicks : p.QueueCount)!;

        /// <summary>Threads in turn; those at the ends twice if it turns back there, so that the queue with the most to do and the one with the least are one thread's.</summary>
        public Pmd Next(bool turnsBack)
        {
            while (true)
            {
                Pmd pmd = Pmds[_at];
                bool isAtEnd = _at == (_goesDown ? 0 : Pmds.Count - 1);
                if (!isAtEnd) _at += _goesDown ? -1 : 1;
                else if (turnsBack) _goesDown = !_goesDown;
                else _at = 0;
                if (!pmd.IsIsolated) return pmd;
            }
        }
    }
}
