namespace Mergeflow.Engine.Telemetry;

/// <summary>Parts of the packet path that <see cref="StageTimes"/> tells apart.</summary>
public enum PmdStage
{
    /// <summary>Between batches: expiry, revalidator, the polling loop itself.</summary>
    Between,

    /// <summary>Receive, with the copy out of the ring and the port's counters.</summary>
    Receive,

    /// <summary>Frame to miniflow.</summary>
    Parse,

    /// <summary>Merged rules: probe, connection checks, counters.</summary>
    Merged,

    /// <summary>Exact-match cache.</summary>
    Emc,

    /// <summary>Tuple-space search.</summary>
    Megaflow,

    /// <summary>OpenFlow tables and installation of a megaflow.</summary>
    Upcall,

    /// <summary>Connection tracking, with its prefetches.</summary>
    Conntrack,

    /// <summary>Recording of traces for the offload.</summary>
    Record,

    /// <summary>Megaflow counters, rewrites, recirculation, everything else that a program does.</summary>
    Actions,

    /// <summary>Transmit and its counters; also the whole short way of a packet that is only forwarded.</summary>
    Transmit,
}
