namespace Mergeflow.Perf;

/// <summary>How long a batch takes, end to end of the loop: from the end of the batch before to its own, housekeeping between them included.</summary>
/// <param name="Seconds">Length of the measurement.</param>
/// <param name="Packets">Packets in that time.</param>
/// <param name="Batches">Batches of up to 32 packets.</param>
/// <param name="P50Ns">Median, ns.</param>
/// <param name="P99Ns">99 %.</param>
/// <param name="P999Ns">99.9 %.</param>
/// <param name="P9999Ns">99.99 %.</param>
/// <param name="MaxNs">Longest.</param>
/// <param name="AllocatedBytes">Managed bytes that the packet thread allocated.</param>
/// <param name="Collections">Garbage collections of any generation.</param>
/// <param name="CpuShare">Part of the time that the thread had its processor, 0..1: what it lacks is in the longest batches.</param>
public sealed record BatchLatency(
    double Seconds, ulong Packets, ulong Batches, double P50Ns, double P99Ns, double P999Ns, double P9999Ns, double MaxNs, long AllocatedBytes, int Collections, double CpuShare);
