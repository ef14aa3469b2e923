namespace Mergeflow.Native;

/// <summary>Who decides which thread goes on, in a run that takes the accesses of a lock-free protocol one by one.</summary>
public interface IInterleaver
{
    /// <summary>Stores of the calling thread that no other thread has seen yet; null = stores are seen at once.</summary>
    StoreBuffer? Stores { get; }

    /// <summary>The thread is about to make the access <paramref name="step"/>. Returns when it is its turn.</summary>
    void Step(string step);

    /// <summary>The thread can do nothing before another one acts. Returns when one has.</summary>
    void Wait(string step);

    /// <summary>The thread has looked at several things in turn and found nothing; it looks at all of them again, whether another one has acted behind the last look or not.</summary>
    void Spin(string step);

    /// <summary>The thread fences: its pending stores become visible.</summary>
    void Fence(string step);

    /// <summary>The thread fences the whole process: the pending stores of every thread become visible.</summary>
    void FenceAll(string step);
}
