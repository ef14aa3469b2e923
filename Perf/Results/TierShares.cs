namespace Mergeflow.Perf;

/// <summary>
/// Share of packets decided per tier, percent; the sum is 100. A packet that the NIC or a merged rule forwarded counts there; the others
/// are split as their table lookups were (a recirculated packet looks up twice).
/// </summary>
/// <param name="Nic">Forwarded by the emulated NIC.</param>
/// <param name="Merged">Forwarded by a merged rule in software.</param>
/// <param name="Emc">Exact-match cache.</param>
/// <param name="Megaflow">Megaflow search.</param>
/// <param name="Upcall">OpenFlow pipeline.</param>
public sealed record TierShares(double Nic, double Merged, double Emc, double Megaflow, double Upcall)
{
    /// <summary>From the counters of a run; <paramref name="packets"/> includes what the NIC forwarded.</summary>
    public static TierShares Of(in PmdStats stats, ulong nicHits, ulong packets)
    {
        if (packets == 0) return new TierShares(0, 0, 0, 0, 0);
        double nic = 100.0 * nicHits / packets;
        double merged = 100.0 * stats.MergedHits / packets;
        double software = Math.Max(0, 100 - nic - merged);
        ulong lookups = stats.EmcHits + stats.MegaflowHits + stats.Upcalls;
        if (lookups == 0) return new TierShares(nic, merged, 0, 0, 0);
        return new TierShares(nic, merged, software * stats.EmcHits / lookups, software * stats.MegaflowHits / lookups, software * stats.Upcalls / lookups);
    }
}
