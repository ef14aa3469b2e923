using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// Runs pollers on threads, one group per thread, pinned where the system allows it. The other runtime is the <see cref="Simulator"/>.
/// </summary>
/// <remarks>
/// A poller that throws is reported at once (<see cref="PollerFailures"/>) and ends the runtime in good order: every thread finishes its round and
/// leaves the readers, so that whoever goes on with the datapath is not kept from reclaiming; <see cref="Stop"/> throws. The offload and aging pollers
/// do not throw: they begin again by themselves (<see cref="OffloadThread"/>).
/// </remarks>
public sealed class ThreadedRuntime : IDisposable
{
    private readonly List<Worker> _workers = [];
    private volatile bool _stop;

    /// <summary>Adds a thread that steps <paramref name="pollers"/> in turn. <paramref name="cpu"/> null = not pinned. Readers announce a quiescent point per round; <paramref name="atEnd"/> is the last thing that the thread does.</summary>
    public void Add(string name, int? cpu, IReadOnlyList<IPoller> pollers, QuiescentState.Reader? reader = null, Action? atEnd = null)
        => _workers.Add(new Worker(this, name, cpu, [.. pollers], reader, atEnd));

    /// <summary>Starts all threads.</summary>
    public void Start()
    {
        foreach (Worker w in _workers) w.Thread.Start();
    }

    /// <summary>Asks all threads to end, waits, and rethrows the first failure of a poller.</summary>
    public void Stop()
    {
        _stop = true;
        foreach (Worker w in _workers)
        {
            if (w.Thread.IsAlive) w.Thread.Join();
        }

        Worker? failed = _workers.Find(w => w.Failure is not null);
        if (failed is not null) throw new InvalidOperationException($"{failed.Thread.Name}: {failed.Failure!.Message}", failed.Failure);
    }

    /// <summary>The first failure of a poller; null = none. All threads are about to end then.</summary>
    public PollerFailure? Failure { get; private set; }

    /// <inheritdoc/>
    public void Dispose() => Stop();

    private sealed class Worker
    {
        private readonly ThreadedRuntime _runtime;
        private readonly int? _cpu;
        private readonly IPoller[] _pollers;
        private readonly QuiescentState.Reader? _reader;
        private readonly Action? _atEnd;

        public Worker(ThreadedRuntime runtime, string name, int? cpu, IPoller[] pollers, QuiescentState.Reader? reader, Action? atEnd)
        {
            (_runtime, _cpu, _pollers, _reader, _atEnd) = (runtime, cpu, pollers, reader, atEnd);
            Thread = new Thread(Run) { Name = name, IsBackground = true };
        }

        public Thread Thread { get; }

        public bool Pinned { get; private set; }

        public Exception? Failure { get; private set; }

        private void Run()
        {
            if (_cpu is int cpu) Pinned = ThreadPinning.TryPin(cpu);
            IPoller poller = _pollers[0];
            try
            {
                var idle = new SpinWait();
                while (!_runtime._stop)
                {
                    long nowMs = Environment.TickCount64;
                    int work = 0;
                    foreach (IPoller p in _pollers)
                    {
                        poller = p;
                        work += p.Step(nowMs);
                    }

                    _reader?.Announce();
                    if (work > 0) idle.Reset();
                    else idle.SpinOnce();
                }
            }
            catch (Exception e)
            {
                Failure = e;
                _runtime._stop = true;
                PollerFailure failure = new(0, poller.Name, e, "ends, and with it all threads of its runtime");
                _runtime.Failure ??= failure;
                PollerFailures.Report(failure);
            }
            finally
            {
                _reader?.Leave();
                _atEnd?.Invoke();
            }
        }
    }
}
