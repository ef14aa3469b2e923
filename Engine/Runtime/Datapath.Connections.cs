using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Offload;

namespace Mergeflow.Engine.Runtime;

/// <content>Connections and fragments, seen from control.</content>
public sealed partial class Datapath
{
    /// <summary>Removes connections: all, or those of one zone.</summary>
    public Acknowledgement FlushConntrack(ushort? zone, long nowMs)
    {
        using ControlScope control = new(this);
        nowMs = Clock.Of(nowMs);
        Note(
            Pipeline,
            () =>
            {
                ByOwner(from => Conntrack.Flush(zone, from, SlotsPerCall));
                return true;
            },
            ns => new FlushChange(ns, zone),
            nowMs);
        return Acknowledge(nowMs);
    }

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

    /// <summary>The connections that have not expired, for people: each as it is at one moment, all of them at several.</summary>
    public IReadOnlyList<ConnInfo> DumpConnections(long nowMs)
    {
        using ControlScope control = new(this);
        nowMs = Clock.Of(nowMs);
        List<ConnInfo> connections = [];
        ByOwner(from => Conntrack.Snapshot(nowMs, from, SlotsPerCall, connections));
        return connections;
    }

    /// <summary>The connections that have not expired, for another run.</summary>
    public IReadOnlyList<SavedConn> SaveConnections(long nowMs)
    {
        using ControlScope control = new(this);
        nowMs = Clock.Of(nowMs);
        Offload?.Settle(nowMs);
        List<SavedConn> connections = [];
        ByOwner(from => Conntrack.Save(nowMs, from, SlotsPerCall, connections));
        return connections;
    }

    /// <summary>Takes over connections of another run, before packet threads start. Returns how many; their merged rules are made anew as packets come.</summary>
    public int RestoreConnections(IReadOnlyList<SavedConn> connections, long nowMs)
    {
        using ControlScope control = new(this);
        return Conntrack.Restore(connections, Clock.Of(nowMs));
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
