using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>
/// Drives offload and aging: on a thread of their own where there is a second processor, else between batches on the packet thread.
/// </summary>
public sealed class OffloadSide : IDisposable
{
    private readonly OffloadThread _offload;
    private readonly AgingThread _aging;
    private readonly ThreadedRuntime? _runtime;
    private readonly QuiescentState.Reader? _packetThread;
    private readonly QuiescentState.Reader? _stepper;
    private readonly bool _isIdle;

    /// <summary>Starts the thread, if there is to be one.</summary>
    /// <param name="datapath">A datapath with offload.</param>
    /// <param name="packetCpu">Processor of the packet thread; null = it is not pinned or wants no other thread.</param>
    public OffloadSide(Datapath datapath, int? packetCpu)
    {
        (_offload, _aging) = (datapath.Offload!, datapath.Aging!);
        if (packetCpu is not int taken || OtherCpu(taken) is not int free) return;
        _packetThread = datapath.PmdQuiescent.Register();
        _runtime = new ThreadedRuntime();
        _runtime.Add("offload", free, [_offload, _aging], datapath.Quiescent.Register());
        _runtime.Start();
    }

    /// <summary>One packet thread of several that share a datapath. Before threads start.</summary>
    /// <param name="datapath">A datapath with offload.</param>
    /// <param name="steps">This one steps offload and aging, for all.</param>
    public static OffloadSide Shared(Datapath datapath, bool steps) => new(datapath, datapath.PmdQuiescent.Register(), steps ? datapath.Quiescent.Register() : null);

    private OffloadSide(Datapath datapath, QuiescentState.Reader packetThread, QuiescentState.Reader? stepper)
    {
        (_offload, _aging) = (datapath.Offload!, datapath.Aging!);
        (_packetThread, _stepper, _isIdle) = (packetThread, stepper, stepper is null);
    }

    /// <summary>The thread has ended: nobody waits for it.</summary>
    public void Leave()
    {
        _packetThread?.Leave();
        _stepper?.Leave();
    }

    /// <summary>The packet thread is between batches and holds no merged rule.</summary>
    public void Announce() => _packetThread?.Announce();

    /// <summary>A slice of work, if there is no thread for it.</summary>
    public void Step(long nowMs)
    {
        if (_runtime is not null || _isIdle) return;
        while (_offload.Step(nowMs) > 0)
        {
            // Until nothing is left: a batch makes at most as many traces as the ring holds.
        }

        _aging.Step(nowMs);
        _stepper?.Announce();
    }

    /// <inheritdoc/>
    public void Dispose() => _runtime?.Dispose();

    /// <summary>A processor of the process that is not <paramref name="taken"/>. The calling thread may be pinned, so the main thread is asked.</summary>
    private static int? OtherCpu(int taken)
    {
        int[] others = [.. HostProbe.ProcessCpus.Where(c => c != taken)];
        return others.Length == 0 ? null : others[0];
    }
}
