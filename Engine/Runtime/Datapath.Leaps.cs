using Mergeflow.Engine.Upcall;
using Mergeflow.Engine.Xlate;

namespace Mergeflow.Engine.Runtime;

/// <content>For who moves the clock, and hands packets over, by himself.</content>
public sealed partial class Datapath
{
    /// <summary>Every batch that was under way has ended on return, and what control had asked of packet threads is done.</summary>
    public void EndBatches()
    {
        using ControlScope control = new(this);
        OnEach(static _ => 0);
    }

    /// <summary>No megaflow contradicts the tables any more on return, and all that packets have counted is reported (OVS <c>revalidator/wait</c>).</summary>
    public void EndDoubts(long nowMs)
    {
        using ControlScope control = new(this);
        nowMs = Clock.Of(nowMs);
        Revalidator.RevalidateAll(nowMs);
        Revalidator.EndDoubts(nowMs);
        Settle(nowMs);
    }

    /// <summary>Whether megaflows match whatever their translation did not look at (OVS <c>upcall/enable-megaflows</c>), or one packet alone. Those that there are go.</summary>
    public void SetMegaflows(bool areWide, long nowMs)
    {
        using ControlScope control = new(this);
        OnEach(pmd =>
        {
            pmd.Upcall.MakesExact = !areWide;
            return 0;
        });
        PurgeMegaflows(nowMs);
    }

    /// <summary>Packets that translations let nowhere go, by <see cref="DropReason"/>.</summary>
    public ulong[] DroppedByReason()
    {
        using ControlScope control = new(this);
        ulong[] dropped = new ulong[DropReasons.Count];
        foreach (PmdContext pmd in _pmds)
        {
            OnOwner(pmd, () =>
            {
                pmd.Upcall.AddDropped(dropped);
                return 0;
            });
        }

        return dropped;
    }

    /// <summary>From now on <paramref name="told"/> is called for every miss, by the packet thread that has it; null = nobody is.</summary>
    public void ReportMisses(Action<MissReport>? told)
    {
        using ControlScope control = new(this);
        OnEach(pmd =>
        {
            pmd.Upcall.Told = told;
            return 0;
        });
    }

    /// <summary>As <see cref="Expire"/>, while threads run: the clock has leapt, and whatever has come to its end by that is gone on return.</summary>
    public void Leap(long nowMs)
    {
        using ControlScope control = new(this);
        nowMs = Clock.Of(nowMs);

        // What a device has forwarded keeps connections and megaflows alive: it is read first.
        Offload?.Settle(nowMs);
        OnEach(pmd =>
        {
            pmd.Conntrack.ExpireAll(nowMs);
            pmd.Revalidator.SweepIfDue(nowMs, Slice.Whole);
            return 0;
        });
        if (Revalidator.ExpireShared(nowMs) > 0) Reconcile(nowMs, purge: false);
        EndDoubts(nowMs);
        Offload?.AcknowledgeRemoval(nowMs);
    }
}
