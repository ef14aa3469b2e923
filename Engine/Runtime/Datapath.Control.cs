using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Upcall;
using Mergeflow.Native;

namespace Mergeflow.Engine.Runtime;

/// <content>Control beside packet threads: one operation at a time, what concerns a packet thread's tables is done by it (<see cref="PmdCalls"/>).</content>
public sealed partial class Datapath
{
    /// <summary>Connections that a call looks at: some 10 us of a packet thread's time.</summary>
    private const int SlotsPerCall = 256;

    /// <summary>Megaflows that a call copies: some 100 us.</summary>
    private const int MegaflowsPerCall = 128;

    /// <summary>How long a slice of control work may keep a packet thread from its packets.</summary>
    private const long SliceNs = 30_000;

    /// <summary>The thread has given an order to packet threads, and has short turns for it.</summary>
    [ThreadStatic]
    private static bool _hasShortTurns;

    private readonly Lock _control = new();

    /// <summary>The thread of the control operation under way, seen from packet threads: it may look at their megaflows. Null while nobody runs on threads.</summary>
    private QuiescentState.Reader? _controlReader;
    private int _controlDepth;
    private bool _preparesTables;

    /// <summary>What a change means for megaflows is found out in slices.</summary>
    private bool IsSliced => _pmds[0].Revalidator.IsSliced;

    /// <summary>Times that control has asked packet threads for something and waited for all whom it had asked, and how long that was in all, ns.</summary>
    public (long Rounds, long WaitNs) Waits { get; private set; }

    /// <summary>Wakes the thread of the offload; null = it does not sleep.</summary>
    internal WakeLatch? OffloadLatch { get; set; }

    /// <summary>What there is now, counters pushed to where they are reported. On threads packets go on meanwhile: each part is of one moment, all of them of several.</summary>
    public SimulatorReport Report(long nowMs)
    {
        using ControlScope control = new(this);
        Settle(nowMs);
        return new SimulatorReport
        {
            Rules = [.. Pipeline.Rules],
            Meters = [.. Pipeline.Meters.Select(m => (m, Meters.CountersOf(m.Slot).In, Meters.CountersOf(m.Slot).Bands))],
            MegaflowCount = MegaflowCount,
            Connections = DumpConnections(nowMs),
            Pmd = Stats,
            Offloaded = Offload?.Stats.Installed ?? 0,
            OffloadHits = Offload?.Stats.Hits ?? 0,
            OffloadFailures = Offload?.Stats.Failures ?? 0,
        };
    }

    /// <summary>A copy of one megaflow; null if it is gone, or not what it was in <paramref name="generation"/>.</summary>
    public MegaflowInfo? FindMegaflow(int id, uint generation, long nowMs)
    {
        using ControlScope control = new(this);
        PmdContext pmd = _pmds[MegaflowId.PmdOf(id)];
        MegaflowInfo? found = null;
        OnOwner(pmd, () =>
        {
            found = MegaflowInfo.Find(pmd.Megaflows, MegaflowId.SlotOf(id), generation, nowMs, pmd.Index);
            return 0;
        });
        return found;
    }

    /// <summary>From now on packet threads may be threads. Before they start.</summary>
    internal void EnterThreads()
    {
        if (_controlReader is not null) return;
        _controlReader = Quiescent.Register();
        _controlReader.Leave();
        _preparesTables = true;
        foreach (DatapathBridge bridge in _bridges) bridge.Pipeline.PreparesTables = true;
        WorkInSlices(static most => new Slice(most, MonotonicClock.NowNs + SliceNs));
        foreach (PmdContext pmd in _pmds) pmd.Thread.MissClock = static () => MonotonicClock.NowNs;
    }

    /// <summary>From now on what a change means for megaflows is found out in slices.</summary>
    internal void WorkInSlices(Func<int, Slice> nextSlice)
    {
        foreach (PmdContext pmd in _pmds) pmd.Revalidator.NextSlice = nextSlice;
    }

    /// <summary>What is due for the switch as a whole, while packet threads look after themselves.</summary>
    internal void ExpireShared(long nowMs)
    {
        using ControlScope control = new(this);
        nowMs = Clock.Of(nowMs);
        if (IsNoted && Revalidator.IsRuleDue(nowMs)) ExpireNoted(nowMs);
        else Revalidator.ExpireShared(nowMs);
    }

    /// <summary>The same that packet threads do for themselves, for those that do not run while others do.</summary>
    internal void ExpireUnattended(long nowMs)
    {
        if (_controlReader is null) return;
        foreach (PmdContext pmd in _pmds)
        {
            if (!pmd.Calls.IsAttached) ExpireFor(pmd, nowMs);
        }
    }

    /// <summary>A method of its own, so that nothing is captured where every thread runs.</summary>
    private void ExpireFor(PmdContext pmd, long nowMs) => Call(pmd.Index, () => pmd.ExpireSome(nowMs));

    /// <summary>Rules of any bridge that are due go, and it is noted. A method of its own, so that nothing is captured where no rule is due.</summary>
    private void ExpireNoted(long nowMs) => Note([.. Pipeline.Backer.Pipelines], () => Revalidator.ExpireShared(nowMs) > 0, nowMs);

    /// <summary>Once for each thread; where the system has no such turns, orders wait a little longer.</summary>
    private static void ShortenTurns()
    {
        _hasShortTurns = true;
        ThreadPolicy.TryShortenTurns();
    }

    /// <summary>A control operation begins.</summary>
    internal ControlScope BeginControl() => new(this);

    /// <summary>Has one packet thread do something between two batches.</summary>
    internal int Call(int pmd, Func<int> work)
    {
        using ControlScope control = new(this);
        long beginNs = MonotonicClock.NowNs;
        _pmds[pmd].Calls.Begin(work);
        _pmds[pmd].Calls.Wait();
        Waits = (Waits.Rounds + 1, Waits.WaitNs + MonotonicClock.NowNs - beginNs);
        return _pmds[pmd].Calls.End();
    }

    /// <summary>Does something while no control operation is under way.</summary>
    internal T WithoutChanges<T>(Func<T> work)
    {
        using ControlScope control = new(this);
        return work();
    }

    /// <summary>Does something while all packet threads stand still between two batches. It must not call them.</summary>
    internal T Pause<T>(Func<T> work)
    {
        using ControlScope control = new(this);
        if (_controlReader is null) return work();
        using CountdownEvent standing = new(_pmds.Length);
        using ManualResetEventSlim go = new();
        int caller = Environment.CurrentManagedThreadId;
        try
        {
            foreach (PmdContext pmd in _pmds)
            {
                pmd.Calls.Begin(() =>
                {
                    standing.Signal();

                    // Of a thread that does not run the caller does it itself.
                    if (Environment.CurrentManagedThreadId != caller) go.Wait();
                    return 0;
                });
            }

            standing.Wait();
            return work();
        }
        finally
        {
            go.Set();
            foreach (PmdContext pmd in _pmds) pmd.Calls.End();
        }
    }

    /// <summary>What the switch knows now. Packet threads stand still meanwhile, about a microsecond per connection.</summary>
    public SwitchMoment MomentNow(long nowMs) => Pause(() => Moment(nowMs));

    /// <summary>What the switch knows, while packet threads stand still.</summary>
    internal SwitchMoment Moment(long nowMs)
    {
        nowMs = Clock.Of(nowMs);
        List<SavedConn> connections = [];
        Conntrack.Save(nowMs, ConnTracker.FirstSlot, int.MaxValue, connections);
        return new SwitchMoment(connections, [.. Pipeline.LearnedAddresses(nowMs).Select(static a => a.Source)], [.. Pipeline.Rules], [.. Pipeline.Groups], Pipeline.Meters);
    }

    /// <summary><c>normal</c> has learned addresses, before packet threads start.</summary>
    public void Learn(IEnumerable<LearnedSource> addresses, long nowMs)
    {
        using ControlScope control = new(this);
        foreach (LearnedSource address in addresses) Pipeline.Learn(address, Clock.Of(nowMs));
    }

    /// <summary>Has every packet thread do something between two batches; returns the sum.</summary>
    private int OnEach(Func<PmdContext, int> work)
    {
        int sum = 0;
        if (_controlReader is null || _standsStill)
        {
            foreach (PmdContext pmd in _pmds) sum += Slice.Finish(() => work(pmd));
            return sum;
        }

        lock (_control)
        {
            long beginNs = MonotonicClock.NowNs;
            foreach (PmdContext pmd in _pmds) pmd.Calls.Begin(() => work(pmd));
            foreach (PmdContext pmd in _pmds) pmd.Calls.Wait();
            Waits = (Waits.Rounds + 1, Waits.WaitNs + MonotonicClock.NowNs - beginNs);
            foreach (PmdContext pmd in _pmds) sum += pmd.Calls.End();
        }

        return sum;
    }

    /// <summary>
    /// Goes through the connections, part by part. Several packet threads lock records, so control may look at them too; a single one does not, so it does the work itself.
    /// </summary>
    /// <param name="part">Does a part; returns where the next begins, 0 = there is none.</param>
    private void ByOwner(Func<int, int> part)
    {
        for (int from = ConnTracker.FirstSlot; from != 0;)
        {
            int at = from;
            from = _pmds.Length == 1 ? OnOwner(_pmds[0], () => part(at)) : part(at);
        }
    }

    /// <summary>Has a packet thread do something, if there are threads.</summary>
    private int OnOwner(PmdContext pmd, Func<int> work) => _controlReader is null || _standsStill ? work() : Call(pmd.Index, work);

    /// <summary>One control operation, also within another one.</summary>
    internal readonly ref struct ControlScope
    {
        private readonly Datapath _datapath;
        private readonly Lock.Scope _scope;

        public ControlScope(Datapath datapath)
        {
            _datapath = datapath;
            if (!_hasShortTurns && datapath._controlReader is not null) ShortenTurns();
            _scope = datapath._control.EnterScope();
            if (datapath._controlDepth++ == 0) datapath._controlReader?.Enter();
        }

        public void Dispose()
        {
            if (--_datapath._controlDepth == 0)
            {
                _datapath._controlReader?.Leave();
                _datapath.OffloadLatch?.Set();
            }

            _scope.Dispose();
        }
    }
}
