namespace Mergeflow.Engine.Offload;

/// <summary>What the <see cref="RecordingFilter"/> knows about a flow.</summary>
/// <param name="Packets">Packets counted, this one included.</param>
/// <param name="AgeMs">Time since the first of them, ms.</param>
public readonly record struct FlowSeen(int Packets, long AgeMs);
