using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Ports;

namespace Mergeflow.Engine.Runtime;

/// <summary>Looks at the frames of a running switch: each packet thread writes into a ring of its own, which is exchanged for an empty one to be read. For any thread.</summary>
/// <param name="datapath">Whose frames; not owned.</param>
/// <param name="taps">Those of the packet threads, by index.</param>
public sealed class FrameTaps(Datapath datapath, IReadOnlyList<FrameTap> taps)
{
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
    public FrameRing[] Attach(Func<FrameRing> make, long nowMs, out SwitchMoment moment)
    {
        FrameRing[] rings = [.. taps.Select(_ => make())];
        moment = datapath.Pause(() =>
        {
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
        datapath.Call(i, () =>
        {
            taps[i].Exchange(ring, next);
            return 0;
        });
        return next;
    })];

    /// <summary>There are no more copies.</summary>
    public void Detach(FrameRing[] rings)
    {
        for (int i = 0; i < rings.Length; i++)
        {
            int pmd = i;
            datapath.Call(i, () =>
            {
                taps[pmd].Remove(rings[pmd]);
                return 0;
            });
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
