using Mergeflow.Engine.Ports;
using Mergeflow.Native;
using Mergeflow.Nic;

namespace Mergeflow.Engine.Runtime;

/// <summary>Looks at what rules in the kernel forward: rings that get copies of hits, as they came and as they left, for as long as they are hung in here. Any thread.</summary>
internal sealed class KernelCapture(KernelNic kernel)
{
    private readonly Lock _lock = new();

    /// <summary>For who reads copies.</summary>
    private readonly Random _chance = new((int)ProcessSeed.For("capture"));
    private View[] _views = [];

    /// <summary>Somebody looks.</summary>
    public bool IsOn => Volatile.Read(ref _views).Length > 0;

    /// <summary>From now on the ring gets copies of one in so many hits, and of the first of each rule.</summary>
    /// <exception cref="IOException">The kernel refuses; nothing has changed.</exception>
    public void Add(FrameRing ring, int oneIn)
    {
        lock (_lock)
        {
            View[] next = [.. _views, new View(ring, oneIn)];
            kernel.SetCapture(next.Min(static v => v.OneIn));
            _views = next;
        }
    }

    /// <summary>Another one takes its place.</summary>
    public void Exchange(FrameRing ring, FrameRing next)
    {
        lock (_lock) _views = Array.ConvertAll(_views, v => v.Ring == ring ? v with { Ring = next } : v);
    }

    /// <summary>The kernel makes no more copies for the ring; those that there are can still be read into it.</summary>
    public void Quiet(FrameRing ring)
    {
        lock (_lock) kernel.SetCapture(_views.Where(v => v.Ring != ring).Select(static v => v.OneIn).DefaultIfEmpty(0).Min());
    }

    /// <summary>It gets no more.</summary>
    public void Remove(FrameRing ring)
    {
        lock (_lock) _views = [.. _views.Where(v => v.Ring != ring)];
    }

    /// <summary>Takes a copy.</summary>
    public void Take(bool isFirst, KernelSample sample)
    {
        if (!IsOn) return;
        lock (_lock)
        {
            foreach (View view in _views)
            {
                if (!isFirst && !IsDrawn(view.OneIn, kernel.SampledOneIn)) continue;
                if (view.Ring.Takes(sample.InPort, FrameDirections.In)) view.Ring.Add(sample.Frame, sample.LengthBytes, sample.InPort, FrameDirections.In, sample.Ns, sample.Packets);
                foreach (KernelOutput output in sample.Outputs)
                {
                    if (view.Ring.Takes(output.Port, FrameDirections.Out)) view.Ring.Add(output.Frame, output.LengthBytes, output.Port, FrameDirections.Out, sample.Ns, sample.Packets);
                }
            }
        }
    }

    /// <summary>Of one in <paramref name="sampledOneIn"/>, one in <paramref name="oneIn"/>. For who reads copies.</summary>
    internal bool IsDrawn(int oneIn, int sampledOneIn) => oneIn > 0 && (oneIn <= sampledOneIn || _chance.Next(oneIn) < sampledOneIn);

    /// <summary>Packets that have been forwarded from and to a port so far; 0 = all ports.</summary>
    public (ulong Rx, ulong Tx) Forwarded(uint port)
    {
        KernelPortTotals totals = port == 0 ? kernel.Total() : kernel.TotalsOf(port);
        return (totals.RxPackets, totals.TxPackets);
    }

    /// <summary>Every frame is software's until that is disposed of, whatever rules there are.</summary>
    public IDisposable Hold() => new Held(kernel);

    private sealed class Held : IDisposable
    {
        private KernelNic? _kernel;

        public Held(KernelNic kernel)
        {
            _kernel = kernel;
            kernel.Hold();
        }

        public void Dispose() => Interlocked.Exchange(ref _kernel, null)?.Release();
    }

    private sealed record View(FrameRing Ring, int OneIn);
}
