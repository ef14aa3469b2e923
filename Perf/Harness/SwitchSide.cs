using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>
/// The running switch around the loop that is measured: the loop plays one of its packet threads. Offload and aging run on a thread of their own where there is a second
/// processor and the loop is the only packet thread, else one loop steps them between batches, and with them what is due for the switch as a whole.
/// </summary>
internal sealed class SwitchSide : IDisposable
{
    private readonly SwitchPollers _pollers;
    private readonly PollerGroup _packets;
    private readonly IPoller[] _upkeep;

    /// <summary>Steps what is nobody else's: null = another loop does.</summary>
    private readonly PollerGroup? _offload;
    private readonly PollerGroup? _rest;
    private readonly ThreadedRuntime? _runtime;
    private readonly bool _isOwner;

    /// <summary>The only packet thread of a switch.</summary>
    /// <param name="datapath">What runs; not owned.</param>
    /// <param name="packetCpu">Processor of the packet thread; null = it is not pinned or wants no other thread.</param>
    public SwitchSide(Datapath datapath, int? packetCpu)
    {
        int? free = datapath.Offload is not null && packetCpu is int taken ? OtherCpu(taken) : null;
        _isOwner = true;
        _pollers = new SwitchPollers(datapath, onThreads: free is not null);
        (_packets, _rest) = (_pollers.Pmds[0], _pollers.Upkeep);
        _upkeep = [.. _packets.Pollers.Skip(1)];
        if (free is null)
        {
            _offload = _pollers.Offload;
            return;
        }

        _runtime = new ThreadedRuntime();
        _runtime.Add(_pollers.Offload!, free);
        _runtime.Start();
    }

    private SwitchSide(SwitchPollers pollers, int pmd)
    {
        (_pollers, _packets) = (pollers, pollers.Pmds[pmd]);
        _upkeep = [.. _packets.Pollers.Skip(1)];
        if (pmd == 0) (_offload, _rest) = (pollers.Offload, pollers.Upkeep);
    }

    /// <summary>One packet thread of several of a switch; the first steps offload, aging and upkeep for all. Not the owner of <paramref name="pollers"/>.</summary>
    public static SwitchSide Shared(SwitchPollers pollers, int pmd) => new(pollers, pmd);

    /// <summary>What feeds the packet thread.</summary>
    public IPoller Packets => _packets.Pollers[0];

    /// <summary>From now on the packet thread polls the queue, or the device in front of it, which is returned.</summary>
    public RxQueue Add(RxQueueName name, RxQueue queue) => _pollers.Add(name, queue);

    /// <summary>The packet thread is between batches and holds no merged rule.</summary>
    public void Announce() => _packets.Reader?.Announce();

    /// <summary>What the packet thread does beside packets, and a slice of what else is its own here.</summary>
    public void Step(long nowMs)
    {
        foreach (IPoller poller in _upkeep) poller.Step(nowMs);
        _rest?.Step(nowMs);
        if (_offload is null) return;
        while (_offload.Step(nowMs) > 0)
        {
            // Until nothing is left: a batch makes at most as many traces as the ring holds.
        }
    }

    /// <summary>The thread has ended: nobody waits for it.</summary>
    public void Leave()
    {
        _packets.Reader?.Leave();
        _offload?.Reader?.Leave();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _runtime?.Dispose();
        if (_isOwner) _pollers.Dispose();
    }

    /// <summary>A processor of the process that is not <paramref name="taken"/>. The calling thread may be pinned, so the main thread is asked.</summary>
    private static int? OtherCpu(int taken)
    {
        int[] others = [.. HostProbe.ProcessCpus.Where(c => c != taken)];
        return others.Length == 0 ? null : others[0];
    }
}
