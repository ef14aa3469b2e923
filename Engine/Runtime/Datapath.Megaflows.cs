using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Upcall;

namespace Mergeflow.Engine.Runtime;

/// <content>Megaflows that people put in and take out by hand (<c>dpctl/add-flow</c>).</content>
public sealed partial class Datapath
{
    /// <summary>Puts a megaflow into the tables of all packet threads that run. The first that refuses says why.</summary>
    public MegaflowPutResult PutMegaflow(GivenMegaflow given, long nowMs)
    {
        using ControlScope control = new(this);
        nowMs = Clock.Of(nowMs);
        MegaflowPutResult result = MegaflowPutResult.Done;
        foreach (PmdContext pmd in _pmds)
        {
            if (_controlReader is not null && !pmd.Calls.IsAttached) continue;
            MegaflowPutResult one = MegaflowPutResult.Done;
            OnOwner(pmd, () =>
            {
                one = pmd.Upcall.Put(given, nowMs);
                return 0;
            });
            if (result == MegaflowPutResult.Done) result = one;
        }

        if (given.Modifies) Offload?.AcknowledgeRemoval(nowMs);
        return result;
    }

    /// <summary>Takes out the megaflows that <paramref name="which"/> chooses among those of a dump; what they have counted is pushed first, and no merged rule that came from one forwards on return. Returns how many went.</summary>
    public int DeleteMegaflows(Func<MegaflowInfo, bool> which, long nowMs)
    {
        using ControlScope control = new(this);
        nowMs = Clock.Of(nowMs);
        int count = 0;
        foreach (IGrouping<int, MegaflowInfo> chosen in DumpMegaflows(nowMs).Where(which).GroupBy(static m => MegaflowId.PmdOf(m.Id)))
        {
            PmdContext pmd = _pmds[chosen.Key];
            foreach (MegaflowInfo[] part in chosen.Chunk(MegaflowsPerCall)) count += OnOwner(pmd, () => pmd.Revalidator.TakeOut(part, nowMs));
        }

        if (count > 0) Offload?.AcknowledgeRemoval(nowMs);
        return count;
    }

    /// <summary>Megaflows stay as they are, whether they are used or not (OVS <c>revalidator/pause</c>), until it is said that they do not. A change of the tables is followed all the same.</summary>
    public void PauseRevalidator(bool isPaused)
    {
        using ControlScope control = new(this);
        OnEach(pmd =>
        {
            pmd.Revalidator.IsPaused = isPaused;
            return 0;
        });
    }

    /// <summary>From now on there are only megaflows that are put in by hand: packets that find none are lost, and no revalidator looks at any (a datapath that no bridge is in).</summary>
    public void ServeByHand()
    {
        using ControlScope control = new(this);
        OnEach(static pmd =>
        {
            pmd.Upcall.InstallsNothing = true;
            return 0;
        });
    }
}
