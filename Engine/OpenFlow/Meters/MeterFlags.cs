namespace Mergeflow.Engine.OpenFlow;

/// <summary>What a meter counts in and has (OpenFlow <c>OFPMF_*</c>).</summary>
[Flags]
public enum MeterFlags : byte
{
    None = 0,

    /// <summary>Rates in kilobit/s.</summary>
    Kbps = 1,

    /// <summary>Rates in packets/s.</summary>
    PacketRate = 2,

    /// <summary>Bands have a burst size.</summary>
    Burst = 4,

    /// <summary>Statistics are wanted; they are always kept.</summary>
    Stats = 8,
}
