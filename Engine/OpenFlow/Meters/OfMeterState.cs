namespace Mergeflow.Engine.OpenFlow;

/// <summary>A meter that exists (OVS <c>struct meter</c>).</summary>
/// <param name="Mod">As configured last.</param>
/// <param name="Slot">See <see cref="IMeterDevice"/>.</param>
/// <param name="CreatedMs">When it was added; a modification does not change it.</param>
public sealed record OfMeterState(MeterMod Mod, uint Slot, long CreatedMs);
