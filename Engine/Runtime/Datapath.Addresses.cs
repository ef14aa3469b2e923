using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Runtime;

/// <content>What packets learn, and addresses of <c>normal</c> that control sets and takes away: on return no megaflow goes by what these were before.</content>
public sealed partial class Datapath
{
    /// <summary>What packets have learned later because the tables were being changed, and what found no room to wait (<see cref="LearnBacklog"/>): rules and shorter timeouts.</summary>
    public (ulong PutOff, ulong Refused) Learned => _pmds.Aggregate(default((ulong PutOff, ulong Refused)), static (sum, p) => (sum.PutOff + p.Upcall.Learning.PutOff, sum.Refused + p.Upcall.Learning.Refused));

    /// <summary>Sets the port behind an address, for good (OVS <c>fdb/add</c>); false if the table is full of such.</summary>
    /// <param name="key">Which address.</param>
    /// <param name="port">OpenFlow number.</param>
    /// <param name="nowMs">Time.</param>
    /// <param name="before">The port that was behind it, and whether that was set; null = none.</param>
    public bool SetStaticAddress(MacKey key, uint port, long nowMs, out (uint Port, bool IsStatic)? before)
    {
        using ControlScope control = new(this);
        nowMs = Clock.Of(nowMs);
        bool isSet = Pipeline.SetStaticAddress(key, port, nowMs, out before);
        RevalidateIfLearned(nowMs);
        return isSet;
    }

    /// <summary>Takes an address away that was set (OVS <c>fdb/del</c>); false if there is none.</summary>
    public bool RemoveStaticAddress(MacKey key, long nowMs)
    {
        using ControlScope control = new(this);
        bool isGone = Pipeline.RemoveStaticAddress(key);
        RevalidateIfLearned(Clock.Of(nowMs));
        return isGone;
    }

    /// <summary>Forgets multicast groups and routers (OVS <c>mdb/flush</c>).</summary>
    public void ForgetMulticast(long nowMs)
    {
        using ControlScope control = new(this);
        Pipeline.ForgetMulticast();
        RevalidateIfLearned(Clock.Of(nowMs));
    }

    /// <summary>Forgets some addresses.</summary>
    public void Forget(IEnumerable<MacKey> addresses, long nowMs)
    {
        using ControlScope control = new(this);
        foreach (MacKey key in addresses) Pipeline.ForgetAddress(key);
        RevalidateIfLearned(Clock.Of(nowMs));
    }
}
