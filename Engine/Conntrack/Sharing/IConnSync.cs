namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// What packet threads that share connections do for it, as a type parameter: what is false is not in the code. <see cref="AloneSync"/> and
/// <see cref="SharedSync"/> are the two that run; tests leave out one thing at a time. The protocol: <see cref="ConnThread"/>.
/// </summary>
public interface IConnSync
{
    /// <summary>There are other threads.</summary>
    static abstract bool IsShared { get; }

    /// <summary>A record is locked before it is looked at or changed.</summary>
    static abstract bool LocksRecords { get; }

    /// <summary>Who adds a tuple claims it first.</summary>
    static abstract bool ClaimsTuples { get; }

    /// <summary>A search that found nothing looks again if an entry may have moved behind its back.</summary>
    static abstract bool ChecksMisses { get; }

    /// <summary>Who ends a connection of another thread leaves a note for that one.</summary>
    static abstract bool LeavesNotes { get; }

    /// <summary>Counts that several threads write change in one instruction.</summary>
    static abstract bool SwapsCounts { get; }

    /// <summary>A record that another thread keeps is asked for before it is taken.</summary>
    static abstract bool AsksKeepers { get; }
}
