namespace Mergeflow.Perf;

/// <summary>One trial at an offered rate.</summary>
/// <param name="PacketsPerSecond">Offered.</param>
/// <param name="Offered">Packets offered.</param>
/// <param name="Dropped">Packets that found the receive ring full.</param>
/// <param name="CpuShare">Part of the time that the packet thread had its processor.</param>
public readonly record struct RateTrial(double PacketsPerSecond, ulong Offered, ulong Dropped, double CpuShare)
{
    /// <summary>Part of the packets that was lost.</summary>
    public double Loss => Offered == 0 ? 0 : (double)Dropped / Offered;
}
