namespace Mergeflow.Engine.Offload;

/// <summary>Kinds of <see cref="OffloadCompletion"/>.</summary>
public enum OffloadCompletionKind : byte
{
    /// <summary>The rule is in the device.</summary>
    Created,

    /// <summary>The rule is not in the device and never was.</summary>
    CreateFailed,

    /// <summary>The rule is gone; the counters are final.</summary>
    Destroyed,

    /// <summary>The rule is gone unasked (device reset, eviction by the device); the counters are the last that are known.</summary>
    Lost,
}
