namespace Mergeflow.PropertyTests;

/// <summary>Offload and aging pollers of a simulator on threads of their own, under the simulator's clock.</summary>
internal sealed class ApartRuntime : IDisposable
{
    private readonly ThreadedRuntime _runtime = new();
    private readonly OffloadThread _offload;

    public ApartRuntime(Simulator simulator)
    {
        Datapath d = simulator.Datapath;
        _offload = d.Offload!;
        _runtime.Add("offload", null, [new Clocked(_offload, simulator)], d.Quiescent.Register());
        _runtime.Add("aging", null, [new Clocked(d.Aging!, simulator)], d.Quiescent.Register());
        _runtime.Start();
    }

    /// <summary>Waits until the offload thread has taken all traces: else a short run would be over before the first rule.</summary>
    public void LetOffloadCatchUp()
    {
        var spin = new SpinWait();
        while (_offload.WaitingTraces > 0 && _runtime.Failure is null) spin.SpinOnce();
    }

    /// <summary>Ends the threads; throws if one has failed.</summary>
    public void Dispose() => _runtime.Dispose();

    private sealed class Clocked(IPoller inner, Simulator simulator) : IPoller
    {
        public string Name => inner.Name;

        // The clock is one word that the packet thread writes; an old value is one that this thread could have had by coming earlier.
        public int Step(long nowMs) => inner.Step(simulator.NowMs);
    }
}
