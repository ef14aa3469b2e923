namespace Mergeflow.Perf;

/// <summary>Another switch that is measured in turn with this one: A B A B, never both at once.</summary>
public interface IPeer : IDisposable
{
    /// <summary>Name and version.</summary>
    string Name { get; }

    /// <summary>Loads rules, set-up capture and frames, and waits until the switch knows them. The switch is stopped on return.</summary>
    /// <param name="workload">What to replay.</param>
    /// <param name="settings">How; caches and length of a run are read.</param>
    /// <exception cref="PerfException">It cannot be done.</exception>
    void Prepare(Workload workload, BenchSettings settings);

    /// <summary>One run, in which the switch has the processor for itself; it is stopped on return.</summary>
    /// <exception cref="PerfException">The switch does not answer.</exception>
    PeerRun Measure();

    /// <summary>Cycles per packet that the switch takes to receive the same frames and drop them.</summary>
    double MeasureReceive();
}
