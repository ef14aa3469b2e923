using System.Diagnostics;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// Runs groups of pollers, one per thread, pinned where the system allows it. A thread that finds nothing to do sleeps until it is woken (<see cref="IdleOptions"/>).
/// The other runtime is the <see cref="Simulator"/>.
/// </summary>
/// <remarks>
/// A poller that throws is reported at once (<see cref="PollerFailures"/>) and ends the runtime in good order: every thread finishes its round and
/// leaves the readers, so that whoever goes on with the datapath is not kept from reclaiming; <see cref="Stop"/> throws. The offload and aging pollers
/// do not throw: they begin again by themselves (<see cref="OffloadThread"/>).
/// </remarks>
public sealed class ThreadedRuntime(IdleOptions? idle = null) : IDisposable
{
    private readonly IdleOptions _idle = idle ?? new IdleOptions();
    private readonly List<Worker> _workers = [];
    private readonly List<PollerGroup> _own = [];
    private volatile bool _stop;

    /// <summary>Adds a thread that steps <paramref name="pollers"/> in turn. <paramref name="cpu"/> null = not pinned. Readers announce a quiescent point per round; <paramref name="atEnd"/> is the last thing that the thread does.</summary>
    public void Add(string name, int? cpu, IReadOnlyList<IPoller> pollers, QuiescentState.Reader? reader = null, Action? atEnd = null)
    {
        var group = new PollerGroup(name, pollers) { Reader = reader, AtEnd = atEnd };
        _own.Add(group);
        Add(group, cpu);
    }

    /// <summary>Adds a thread for a group; not owned. <paramref name="cpu"/> null = not pinned.</summary>
    public void Add(PollerGroup group, int? cpu = null) => _workers.Add(new Worker(this, group, cpu));

    /// <summary>Starts all threads.</summary>
    public void Start()
    {
        lock (_workers)
        {
            foreach (Worker w in _workers) Begin(w);
        }
    }

    /// <summary>Adds a thread for a group while others run, and starts it. Groups that have ended may start again.</summary>
    public void Start(PollerGroup group, int? cpu)
    {
        lock (_workers)
        {
            Worker worker = new(this, group, cpu);
            _workers.Add(worker);
            Begin(worker);
        }
    }

    /// <summary>Ends the thread of one group, and waits for it; nothing if there is none.</summary>
    public void End(PollerGroup group)
    {
        Worker? worker;
        lock (_workers) worker = _workers.Find(w => w.Group == group);
        if (worker is null) return;
        worker.End();
        worker.Thread.Join();
        lock (_workers)
        {
            if (worker.Failure is null) _workers.Remove(worker);
        }
    }

    /// <summary>Asks all threads to end, waits, and rethrows the first failure of a poller.</summary>
    public void Stop()
    {
        End();
        Worker[] workers;
        lock (_workers) workers = [.. _workers];
        foreach (Worker w in workers)
        {
            if (w.Thread.IsAlive) w.Thread.Join();
        }

        foreach (PollerGroup group in _own) group.Dispose();
        Worker? failed = Array.Find(workers, static w => w.Failure is not null);
        if (failed is not null) throw new InvalidOperationException($"{failed.Thread.Name}: {failed.Failure!.Message}", failed.Failure);
    }

    /// <summary>The first failure of a poller; null = none. All threads are about to end then.</summary>
    public PollerFailure? Failure { get; private set; }

    /// <summary>Times that threads have gone to sleep.</summary>
    public long Sleeps
    {
        get
        {
            lock (_workers) return _workers.Sum(static w => Volatile.Read(ref w.Sleeps));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Stop();

    private void End()
    {
        _stop = true;
        lock (_workers)
        {
            foreach (Worker w in _workers) w.Group.Latch.Set();
        }
    }

    private static void Begin(Worker worker)
    {
        if (worker.HasProcessor) CompileAhead.Begin();
        worker.Thread.Start();
    }

    private sealed class Worker
    {
        public long Sleeps;
        private readonly ThreadedRuntime _runtime;
        private readonly int? _cpu;
        private readonly PollSet _set = new();
        private readonly IdleWait _idle;
        private volatile bool _ends;

        public Worker(ThreadedRuntime runtime, PollerGroup group, int? cpu)
        {
            (_runtime, Group, _cpu, _idle) = (runtime, group, cpu, new IdleWait(runtime._idle));
            Thread = new Thread(Run) { Name = group.Name, IsBackground = true };
        }

        public Thread Thread { get; }

        public PollerGroup Group { get; }

        public bool Pinned { get; private set; }

        /// <summary>It takes packets, and has been given a processor for it.</summary>
        public bool HasProcessor => _cpu is not null && Group.IsForPackets;

        public Exception? Failure { get; private set; }

        private bool IsToEnd => _ends || _runtime._stop;

        /// <summary>Asks it to end.</summary>
        public void End()
        {
            _ends = true;
            Group.Latch.Set();
        }

        private void Run()
        {
            using IDisposable? processor = Settle();
            Group.Reader?.Enter();
            try
            {
                while (!IsToEnd)
                {
                    if (Group.Step(ProcessClock.NowMs) > 0) _idle.Worked();
                    else if (_idle.MaySleep()) Sleep();
                }
            }
            catch (Exception e)
            {
                Failure = e;
                PollerFailure failure = new(0, Group.Current.Name, e, "ends, and with it all threads of its runtime");
                _runtime.Failure ??= failure;
                _runtime.End();
                PollerFailures.Report(failure);
            }
            finally
            {
                Group.Reader?.Leave();
                Group.AtEnd?.Invoke();
            }
        }

        /// <summary>Where the thread runs, and for how long at a time. What is returned gives its processor back.</summary>
        private IDisposable? Settle()
        {
            if (!Group.IsForPackets)
            {
                if (_cpu is int own) Pinned = ThreadPinning.TryPin(own);
                ThreadPolicy.TryShortenTurns();
                return null;
            }

            ThreadPolicy.TryUsualTurns();
            IDisposable? processor = _cpu is int cpu ? PacketCpus.TryTake(cpu) : null;
            Pinned = processor is not null;
            return processor;
        }

        /// <summary>See <see cref="WakeLatch"/>.</summary>
        private void Sleep()
        {
            Group.BeforeSleep(_set, ProcessClock.NowMs);
            if (_set.TimeoutMs == 0)
            {
                _idle.Worked();
                return;
            }

            Group.Latch.Announce();
            if (IsToEnd || Group.Step(ProcessClock.NowMs) > 0)
            {
                Group.Latch.Cancel();
                _idle.Worked();
                return;
            }

            // Who sleeps holds nothing, and nobody waits for it.
            Group.Reader?.Leave();
            long begin = Stopwatch.GetTimestamp();
            Volatile.Write(ref Sleeps, Sleeps + 1);
            Group.Latch.Sleep(_set);
            _idle.Slept(Stopwatch.GetTimestamp() - begin);
            Group.Reader?.Enter();
        }
    }
}
