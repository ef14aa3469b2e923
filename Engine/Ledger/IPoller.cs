namespace Mergeflow.Engine.Ledger;

/// <summary>Something that does a bounded amount of work per call: PMD, offload thread, aging thread, revalidator. Both runtimes drive the same pollers.</summary>
public interface IPoller
{
    /// <summary>Name in tables and traces.</summary>
    string Name { get; }

    /// <summary>Does up to one bounded slice of work; returns the number of items handled, 0 = idle.</summary>
    int Step(long nowMs);
}
