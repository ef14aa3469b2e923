namespace Mergeflow.Perf;

/// <summary>What looping does to a capture: its connections are closed and opened anew in every round.</summary>
/// <param name="RoundsPerSecond">Times per second that the capture was played.</param>
/// <param name="ConnectionFrames">Frames with SYN, FIN or RST per round.</param>
public sealed record LoopInfo(double RoundsPerSecond, int ConnectionFrames);
