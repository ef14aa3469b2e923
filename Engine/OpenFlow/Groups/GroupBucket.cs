namespace Mergeflow.Engine.OpenFlow;

/// <summary>One bucket of a group.</summary>
public sealed record GroupBucket(uint BucketId, ushort Weight, uint? WatchPort, uint? WatchGroup, EquatableList<OfAction> Actions);
