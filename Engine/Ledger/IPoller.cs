using Mergeflow.Native;

namespace Mergeflow.Engine.Ledger;

/// <summary>Something that does a bounded amount of work per call: PMD, offload thread, aging thread, revalidator. Both runtimes drive the same pollers.</summary>
public interface IPoller
{
    /// <summary>Name in tables and traces.</summary>
    string Name { get; }

    /// <summary>Does up to one bounded slice of work; returns the number of items handled, 0 = idle.</summary>
    int Step(long nowMs);

    /// <summary>
    /// Its thread is about to sleep, after a <see cref="Step"/> that had nothing to do: says what ends the sleep. One that says nothing here is
    /// stepped every millisecond.
    /// </summary>
    void BeforeSleep(PollSet set, long nowMs) => set.AtMost(1);
}
