namespace Mergeflow.Engine;

/// <summary>What a simulated datapath is made of.</summary>
public sealed class SimulatorOptions : DatapathOptions
{
    /// <summary>Packets per batch, 1..32.</summary>
    public int BatchSize { get; init; } = PmdThread.MaxBatch;
}
