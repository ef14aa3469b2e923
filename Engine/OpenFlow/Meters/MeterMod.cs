namespace Mergeflow.Engine.OpenFlow;

/// <summary>One parsed meter line (OVS <c>struct ofputil_meter_mod</c>); a deletion has neither flags nor bands.</summary>
public sealed record MeterMod(MeterModCommand Command, uint MeterId, MeterFlags Flags, EquatableList<MeterBand> Bands);
