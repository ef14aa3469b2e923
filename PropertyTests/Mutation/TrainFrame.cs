namespace Mergeflow.PropertyTests;

/// <summary>A frame of a train: the port it comes in by, and how long after the frame before it.</summary>
internal readonly record struct TrainFrame(uint Port, byte[] Frame, int AfterMs = 0);
