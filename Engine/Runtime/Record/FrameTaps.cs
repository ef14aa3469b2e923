using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Ports;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// Looks at the frames of a running switch: each packet thread writes into a ring of its own, which is exchanged for an empty one to be read. Where rules in the kernel forward, and copies of that are asked for, there is one more ring, the last. For any thread.
/// </summary>
/// <param name="datapath">Whose frames; not owned.</param>
/// <param name="taps">Those of the packet threads, by index.</param>
public sealed class FrameTaps(Datapath datapath, IReadOnlyList<FrameTap> taps)
{
    /// <summary>Packets that rules in the kernel have forwarded from and to a port so far; 0 = all ports.</summary>
    public (ulong Rx, ulong Tx) ByKernel(uint port) => datapath.Shadow?.Capture.Forwarded(port) ?? default;

    /// <summary>The same as <see cref="Attach(Func{FrameRing})"/>, and a ring for what the kernel forwards.</summary>
    /// <param name="make">An empty ring.</param>
    /// <param name="kernelOneIn">One in so many packets of that, and the first of each rule; 0 = none.</param>
    /// <exception cref="IOException">The kernel refuses; there are no copies.</exception>
    public FrameRing[] Attach(Func<FrameRing> make, int kernelOneIn)
    {
        if (kernelOneIn == 0 || datapath.Shadow is not { } shadow) return Attach(make);
        FrameRing ring = make();
        try
        {
            shadow.Capture.Add(ring, kernelOneIn);
        }
        catch
        {
            ring.Dispose();
            throw;
        }

        shadow.Latch?.Set();
        return [.. Attach(make), ring];
    }

    /// <summary>Every frame is software's until that is disposed of, whatever rules are in the kernel; null = there are none.</summary>
    public IDisposable? HoldKernel() => datapath.Shadow?.Capture.Hold();

    /// <summary>From now on there are copies: a ring for each packet thread.</summary>
    public FrameRing[] Attach(Func<FrameRing> make) => [.. taps.Select((tap, i) =>
    {
        FrameRing ring = make();
        datapath.Call(i, () =>
        {
            tap.Add(ring);
            return 0;
        });
        return ring;
    })];

    /// <summary>The same, and what the switch knew at that moment: nothing is in both, and nothing in neither. Packet threads stand still meanwhile, about a microsecond per connection.</summary>
    /// <param name="make">An empty ring.</param>
    /// <param name="nowMs">Time.</param>
    /// <param name="moment">What the switch knows.</param>
    /// <param name="journal">Changes from then on are noted there; null = nowhere.</param>
    public FrameRing[] Attach(Func<FrameRing> make, long nowMs, out SwitchMoment moment, ChangeJournal? journal = null)
    {
        FrameRing[] rings = [.. taps.Select(_ => make())];
        moment = datapath.Pause(() =>
        {
            if (journal is not null) datapath.Hang(journal);
            for (int i = 0; i < rings.Length; i++) taps[i].Add(rings[i]);
            return datapath.Moment(nowMs);
        });
        return rings;
    }

    /// <summary>Takes the rings to be read, at the moment that the ones in their places begin with.</summary>
    public FrameRing[] Exchange(FrameRing[] rings, Func<FrameRing> make, long nowMs, out SwitchMoment moment)
    {
        FrameRing[] next = [.. taps.Select(_ => make())];
        moment = datapath.Pause(() =>
        {
            for (int i = 0; i < next.Length; i++) taps[i].Exchange(rings[i], next[i]);
            return datapath.Moment(nowMs);
        });
        return next;
    }

    /// <summary>Takes the rings to be read; empty ones are in their places.</summary>
    public FrameRing[] Exchange(FrameRing[] rings, Func<FrameRing> make) => [.. rings.Select((ring, i) =>
    {
        FrameRing next = make();
        if (i == taps.Count)
        {
            datapath.Shadow!.ReadAll();
            datapath.Shadow.Capture.Exchange(ring, next);
            return next;
        }

        datapath.Call(i, () =>
        {
            taps[i].Exchange(ring, next);
            return 0;
        });
        return next;
    })];

    /// <summary>Changes are no longer noted there.</summary>
    public void Unhang(ChangeJournal journal) => datapath.Unhang(journal);

    /// <summary>There are no more copies.</summary>
    public void Detach(FrameRing[] rings)
    {
        for (int i = 0; i < taps.Count; i++)
        {
            int pmd = i;
            datapath.Call(i, () =>
            {
                taps[pmd].Remove(rings[pmd]);
                return 0;
            });
        }

        if (rings.Length == taps.Count) return;
        ShadowCheck shadow = datapath.Shadow!;
        try
        {
            shadow.Capture.Quiet(rings[^1]);
            shadow.ReadAll();
        }
        finally
        {
            shadow.Capture.Remove(rings[^1]);
        }
    }
}

/// <summary>What a switch knew at one moment.</summary>
/// <param name="Connections">Connections.</param>
/// <param name="Addresses">Addresses that <c>normal</c> had learned.</param>
/// <param name="Rules">Rules.</param>
/// <param name="Groups">Groups.</param>
/// <param name="Meters">Meters.</param>
public sealed record SwitchMoment(IReadOnlyList<SavedConn> Connections, IReadOnlyList<LearnedSource> Addresses, IReadOnlyList<OfRule> Rules, IReadOnlyList<GroupMod> Groups, IReadOnlyList<OfMeterState> Meters);
