namespace Mergeflow.Engine.OpenFlow;

/// <summary>Where meters act (OVS <c>dpif_meter_set</c>, <c>dpif_meter_del</c>).</summary>
public interface IMeterDevice
{
    /// <summary>Makes a meter, or another in its place: with full buckets and without counters.</summary>
    /// <param name="slot">Number of the meter in the datapath, from 0 (OVS provider meter id).</param>
    /// <param name="meter">Flags and bands.</param>
    void Set(uint slot, MeterMod meter);

    /// <summary>Takes a meter away: what still names it passes.</summary>
    void Clear(uint slot);
}
