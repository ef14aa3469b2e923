using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Lookup;

namespace Mergeflow.Engine.Upcall;

/// <content>Megaflows that are put in by hand (OVS <c>dpif_netdev_flow_put</c>). They are the revalidator's like all others: it looks at each in the sweep that comes next.</content>
public sealed unsafe partial class UpcallHandler
{
    /// <summary>Misses make no megaflow, and none is held against tables: nobody translates for this datapath. Set by the packet thread.</summary>
    internal bool InstallsNothing { get; set; }

    /// <summary>Puts a megaflow in, or has the one that the key finds do something else; what that one matches and has counted stays. By the packet thread.</summary>
    /// <param name="given">The megaflow.</param>
    /// <param name="nowMs">Time, ms.</param>
    internal MegaflowPutResult Put(GivenMegaflow given, long nowMs)
    {
        FlowKey key = given.Key, mask = given.Mask;
        Megaflow? old;
        while ((old = FoundBy(ref key)) is not null && Megaflows.IsPurged(old)) Delete(old);

        // Actions by hand are no translation, so no other table may repeat them.
        MegaflowProgram program = new() { Actions = given.Actions, FromSlowPath = true };
        if (old is null) return given.Creates ? PutNew(given, ref key, ref mask, program, nowMs) : MegaflowPutResult.NotThere;
        if (!given.Modifies) return MegaflowPutResult.Exists;
        (key, mask) = (old.FullKey, old.Mask);
        if (Megaflows.Add(ref key, ref mask, program, nowMs) is not { } m) return MegaflowPutResult.Full;
        (m.FullLengthBytes, m.IsUnchecked) = (old.FullLengthBytes, true);
        HeritageOf(old).PassTo(m);
        Delete(old);
        Show(m);
        return MegaflowPutResult.Done;
    }

    private Heritage HeritageOf(Megaflow old)
    {
        (ulong packets, ulong bytes, long lastUsedMs) = Megaflows.CountersOf(old);
        return new Heritage(old.CreatedMs, old.IsGiven, old.GivenUfid, (old.Inherited.Packets + packets, old.Inherited.Bytes + bytes, Math.Max(old.Inherited.LastUsedMs, lastUsedMs)));
    }

    /// <summary>What a megaflow with another program has from the one in whose place it is.</summary>
    private readonly record struct Heritage(long CreatedMs, bool IsGiven, Guid? Ufid, (ulong Packets, ulong Bytes, long LastUsedMs) Counted)
    {
        public void PassTo(Megaflow m) => (m.CreatedMs, m.IsGiven, m.GivenUfid, m.Inherited) = (CreatedMs, IsGiven, Ufid, Counted);
    }

    private Megaflow? FoundBy(ref FlowKey key)
    {
        ulong probed = 0;
        int id = Classifier.Lookup(ref key, FlowKey.LaneMap(ref key) | FlowKey.HotLanes, ref probed);
        return id < 0 ? null : Megaflows[id];
    }

    private MegaflowPutResult PutNew(GivenMegaflow given, ref FlowKey key, ref FlowKey mask, in MegaflowProgram program, long nowMs)
    {
        if (Megaflows.Add(ref key, ref mask, program, nowMs) is not { } m) return MegaflowPutResult.Full;
        (m.FullLengthBytes, m.IsGiven, m.GivenUfid, m.IsUnchecked) = (0, true, given.Ufid, true);
        Show(m);
        return MegaflowPutResult.Done;
    }

    private void Show(Megaflow m)
    {
        m.DropReason = 0;
        m.Visited = default;
        Classes?.Add(m);
        Dependents.Set(m, []);
        Classifier.Insert(m);
    }
}
