namespace Mergeflow.Perf;

/// <summary>Packets that were not offloaded, for one reason.</summary>
/// <param name="Reason">Reason code, as <c>mergeflow offload stats</c> prints it.</param>
/// <param name="Packets">Packets.</param>
/// <param name="Bytes">Their bytes, as received.</param>
public sealed record ReasonCount(string Reason, ulong Packets, ulong Bytes)
{
    /// <summary>What is left when what was there before is taken away.</summary>
    public static IReadOnlyList<ReasonCount> Since(IReadOnlyList<ReasonCount> now, IReadOnlyList<ReasonCount> before)
        => [.. now.Select(n => before.FirstOrDefault(b => b.Reason == n.Reason) is { } b ? n with { Packets = n.Packets - b.Packets, Bytes = n.Bytes - b.Bytes } : n).Where(static r => r.Packets > 0).OrderByDescending(static r => r.Packets)];

    /// <summary>From the datapath's totals, most packets first. A trace of a flow that is already offloaded is no reason.</summary>
    public static IReadOnlyList<ReasonCount> Of(ReasonTotals totals)
        => [.. totals.Sorted().Where(r => r.Reason != OffloadReason.AlreadyOffloaded).Select(r => new ReasonCount(r.Reason.ToString(), r.Packets, r.Bytes))];
}
