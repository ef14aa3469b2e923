using Mergeflow.Engine.Ledger;

namespace Mergeflow.Engine.Offload;

/// <summary>What the offload did; written by the offload thread.</summary>
public sealed class OffloadStats
{
    /// <summary>Rules that a provider confirmed, over the whole run (<c>n_offloaded</c>).</summary>
    public ulong Installed { get; internal set; }

    /// <summary>Packets forwarded or dropped by merged rules, as far as credited (<c>offload_hits</c>).</summary>
    public ulong Hits { get; internal set; }

    /// <summary>Their bytes as received.</summary>
    public ulong HitBytes { get; internal set; }

    /// <summary>Traces that arrived.</summary>
    public ulong Traces { get; internal set; }

    /// <summary>Traces that were merged.</summary>
    public ulong Merged { get; internal set; }

    /// <summary>Rules removed since the start.</summary>
    public ulong Removed { get; internal set; }

    /// <summary>Rules removed to make room.</summary>
    public ulong Evicted { get; internal set; }

    /// <summary>Rules whose dependencies moved between merge and confirmation.</summary>
    public ulong Raced { get; internal set; }

    /// <summary>Requests that were repeated because neither an answer came nor the device knew of them.</summary>
    public ulong Repeated { get; internal set; }

    /// <summary>Times that the device was taken out of the path because it did not answer or the offload thread failed.</summary>
    public ulong Suspensions { get; internal set; }

    /// <summary>Changes that the device did not confirm: they hold because it is out of the path (<see cref="Acknowledgement.DeviceSuspended"/>).</summary>
    public ulong Unacknowledged { get; internal set; }

    /// <summary>Failures of the offload thread, see <see cref="OffloadThread.LastFailure"/>.</summary>
    public ulong Failures { get; internal set; }

    /// <summary>Packets that made a rule, and their bytes as received; not those whose rule the device has refused afterwards.</summary>
    public BookTotals MadeRule { get; internal set; }

    /// <summary>Traces refused by the offload thread, by reason.</summary>
    public ReasonTotals Refused { get; } = new();

    /// <summary>Rules removed, by reason (packets = rules).</summary>
    public ReasonTotals RemovedBy { get; } = new();
}
