using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Offload;

namespace Mergeflow.Engine.Runtime;

/// <content>Connections and fragments, for control.</content>
public sealed partial class Datapath
{
    /// <summary>Removes the connections that fit, each found by its original tuple (<c>dpctl/flush-conntrack</c> with tuples).</summary>
    public Acknowledgement FlushConnections(Predicate<ConnInfo> fits, long nowMs)
    {
        using ControlScope control = new(this);
        nowMs = Clock.Of(nowMs);
        ConnInfo[] found = [.. DumpConnections(nowMs).Where(c => fits(c))];
        int done = 0;
        ByOwner(_ =>
        {
            for (int end = Math.Min(found.Length, done + SlotsPerCall); done < end; done++) Conntrack.FlushTuple(found[done].Zone, found[done].Orig, nowMs);
            return done < found.Length ? ConnTracker.FirstSlot : 0;
        });
        return Acknowledge(nowMs);
    }

    /// <summary>Datagrams of which fragments are on hold.</summary>
    public IReadOnlyList<HeldDatagram> DumpFragments()
    {
        using ControlScope control = new(this);
        List<HeldDatagram> held = [];
        foreach (PmdContext pmd in _pmds)
        {
            OnOwner(pmd, () =>
            {
                held.AddRange(Conntrack.HeldDatagramsOf(pmd.Index));
                return 0;
            });
        }

        return held;
    }
}
