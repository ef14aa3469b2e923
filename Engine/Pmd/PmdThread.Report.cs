using System.Runtime.CompilerServices;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Pmd;

/// <summary>What a batch did, for whoever listens to <see cref="MergeflowEventSource"/>.</summary>
public sealed unsafe partial class PmdThread
{
    /// <summary>Apart from the packet path, which only reads the flag: nobody pays for an event that no one hears.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ReportBatch(Packet** packets, int count, long nowMs)
    {
        PmdStats before = Stats;
        long startNs = MonotonicClock.NowNs;
        Process<WithoutStages>(packets, count, nowMs);
        long durationNs = MonotonicClock.NowNs - startNs;
        PmdStats did = Stats.Since(before);
        MergeflowEventSource.Log.Batch(
            TelemetryId,
            (int)did.Rx,
            (int)did.Passes,
            (int)did.MergedHits,
            (int)did.EmcHits,
            (int)did.MegaflowHits,
            (int)did.Upcalls,
            (int)did.Tx,
            (int)did.Dropped,
            durationNs);
    }
}
