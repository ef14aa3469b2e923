namespace Mergeflow.Perf;

/// <summary>Where the cycles of a packet go, from a separate measurement.</summary>
/// <param name="Stages">Cycles per packet of each stage, in the order of the packet path.</param>
/// <param name="SumCyclesPerPacket">Their sum.</param>
/// <param name="TotalCyclesPerPacket">Cycles per packet of the unmarked packet path, measured directly before and after.</param>
public sealed record StageResult(IReadOnlyList<StageCycles> Stages, double SumCyclesPerPacket, double TotalCyclesPerPacket)
{
    /// <summary>How far the sum is from the total, 0.1 = 10 % more.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public double Deviation => TotalCyclesPerPacket == 0 ? 0 : (SumCyclesPerPacket / TotalCyclesPerPacket) - 1;
}
