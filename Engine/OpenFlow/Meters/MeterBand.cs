namespace Mergeflow.Engine.OpenFlow;

/// <summary>One drop band of a meter (OpenFlow <c>OFPMBT_DROP</c>): a token bucket.</summary>
/// <param name="Rate">Kilobit/s or packets/s, as the meter says; at least 1.</param>
/// <param name="BurstSize">Size of the bucket in kilobits or packets; 0 = as large as the rate.</param>
public sealed record MeterBand(uint Rate, uint BurstSize);
