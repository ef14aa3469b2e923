namespace Mergeflow.Engine.Runtime;

/// <summary>How queues find their packet thread (OVS <c>pmd-rxq-assign</c>).</summary>
public enum RxqAssign : byte
{
    /// <summary>Threads in turn, there and back; the queues with the most to do first.</summary>
    Cycles,

    /// <summary>Threads in turn.</summary>
    RoundRobin,

    /// <summary>The thread with the least to do; the queues with the most to do first.</summary>
    Group,
}

/// <summary>What became of a queue.</summary>
public enum RxqVerdict : byte
{
    /// <summary>It has the thread that it is pinned to.</summary>
    Pinned,

    /// <summary>There is no such thread: it is treated as the others are, and has another decision behind this one.</summary>
    PinRefused,

    /// <summary>It has a thread.</summary>
    Assigned,

    /// <summary>It has a thread at another memory node than its port's.</summary>
    AssignedAcross,

    /// <summary>All threads are isolated, or there are none.</summary>
    Unpolled,
}

/// <summary>A processor with a packet thread.</summary>
/// <param name="Cpu">Its number.</param>
/// <param name="Node">Its memory node.</param>
public readonly record struct PmdCpu(int Cpu, int Node);

/// <summary>A queue that wants a thread.</summary>
/// <param name="Queue">Its name.</param>
/// <param name="Node">Memory node of its port; null = it is as near to all.</param>
/// <param name="PinnedCpu">Processor that it is pinned to; null = it is not.</param>
/// <param name="BusyTicks">Time that its packets have taken lately, any unit.</param>
public readonly record struct RxqDemand(RxQueueName Queue, int? Node, int? PinnedCpu, long BusyTicks);

/// <summary>What becomes of a queue.</summary>
/// <param name="Demand">The queue.</param>
/// <param name="Verdict">What.</param>
/// <param name="Pmd">Its thread; null = none.</param>
public readonly record struct RxqDecision(RxqDemand Demand, RxqVerdict Verdict, PmdCpu? Pmd);

/// <summary>What a packet thread has been given.</summary>
/// <param name="Pmd">The thread.</param>
/// <param name="IsIsolated">A queue is pinned to it, and it gets no others.</param>
/// <param name="QueueCount">Its queues.</param>
/// <param name="BusyTicks">The sum of their times.</param>
public readonly record struct PmdShare(PmdCpu Pmd, bool IsIsolated, int QueueCount, long BusyTicks);

/// <summary>Who polls what.</summary>
/// <param name="Decisions">In the order in which they were taken: pins first.</param>
/// <param name="Shares">Of all threads, by processor.</param>
public sealed record RxqSchedule(IReadOnlyList<RxqDecision> Decisions, IReadOnlyList<PmdShare> Shares);
