namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// What packet threads that share connections do for it, as a type parameter: what is false is not in the code. <see cref="AloneSync"/> and
/// <see cref="SharedSync"/> are the two that run; tests leave out one thing at a time. The protocol: <see cref="ConnThread"/>.
/// </summary>
public interface IConnSync
{
    /// <summary>There are other threads. Like all of these, true unless the type says otherwise.</summary>
    static virtual bool IsShared => true;

    /// <summary>A record is locked before it is looked at or changed.</summary>
    static virtual bool LocksRecords => true;

    /// <summary>Who adds a tuple claims it first.</summary>
    static virtual bool ClaimsTuples => true;

    /// <summary>A search that found nothing looks again if an entry may have moved behind its back.</summary>
    static virtual bool ChecksMisses => true;

    /// <summary>Who ends a connection of another thread leaves a note for that one.</summary>
    static virtual bool LeavesNotes => true;

    /// <summary>Counts that several threads write change in one instruction.</summary>
    static virtual bool SwapsCounts => true;

    /// <summary>A record that another thread keeps is asked for before it is taken.</summary>
    static virtual bool AsksKeepers => true;
}
