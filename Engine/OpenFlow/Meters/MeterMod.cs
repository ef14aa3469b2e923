namespace Mergeflow.Engine.OpenFlow;

/// <summary>One parsed meter line (OVS <c>struct ofputil_meter_mod</c>); a deletion has neither flags nor bands.</summary>
public sealed record MeterMod(MeterModCommand Command, uint MeterId, MeterFlags Flags, EquatableList<MeterBand> Bands);

/// <summary>One band of a meter: a token bucket.</summary>
/// <param name="Rate">Kilobit/s or packets/s, as the meter says; at least 1.</param>
/// <param name="BurstSize">Size of the bucket in kilobits or packets; 0 = as large as the rate.</param>
/// <param name="PrecedenceLevel">By how much the drop precedence of the DSCP rises (<c>OFPMBT_DSCP_REMARK</c>); null = packets are dropped (<c>OFPMBT_DROP</c>).</param>
public sealed record MeterBand(uint Rate, uint BurstSize, byte? PrecedenceLevel = null);

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

/// <summary>Meter table modification (OpenFlow <c>OFPMC_*</c>).</summary>
public enum MeterModCommand : byte
{
    Add,
    Modify,
    Delete,
}

/// <summary>A meter that exists (OVS <c>struct meter</c>).</summary>
/// <param name="Mod">As configured last.</param>
/// <param name="Slot">See <see cref="IMeterDevice"/>.</param>
/// <param name="CreatedMs">When it was added; a modification does not change it.</param>
public sealed record OfMeterState(MeterMod Mod, uint Slot, long CreatedMs);
