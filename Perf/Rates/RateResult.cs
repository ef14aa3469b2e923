namespace Mergeflow.Perf;

/// <summary>What a rate search found.</summary>
/// <param name="NoDropRate">Highest rate without a loss, packets/s; 0 if there is none.</param>
/// <param name="PartialDropRate">Highest rate with at most <paramref name="PartialDropPercent"/> lost, packets/s.</param>
/// <param name="PartialDropPercent">Loss that the partial drop rate tolerates, percent.</param>
/// <param name="RingSize">Descriptors of the receive ring.</param>
/// <param name="TrialSeconds">Length of a trial.</param>
/// <param name="Trials">Trials that were run.</param>
/// <param name="Latency">Latency at parts of the no-drop rate.</param>
public sealed record RateResult(double NoDropRate, double PartialDropRate, double PartialDropPercent, int RingSize, double TrialSeconds, int Trials, IReadOnlyList<LatencyAt> Latency);
