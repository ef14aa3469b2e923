using Mergeflow.Engine.Ledger;

namespace Mergeflow.Engine.Offload;

/// <summary>One comparison of an audit.</summary>
/// <param name="Book">What is compared.</param>
/// <param name="Counted">What hardware counters say it must be.</param>
/// <param name="Booked">What was booked.</param>
public readonly record struct OffloadAuditLine(string Book, BookTotals Counted, BookTotals Booked)
{
    /// <summary>Booked minus counted, packets.</summary>
    public long DriftPackets => (long)(Booked.Packets - Counted.Packets);

    /// <summary>Booked minus counted, bytes.</summary>
    public long DriftBytes => (long)(Booked.Bytes - Counted.Bytes);

    /// <summary>True if the two agree.</summary>
    public bool IsBalanced => Counted == Booked;
}
