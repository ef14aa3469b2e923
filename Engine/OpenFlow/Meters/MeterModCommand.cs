namespace Mergeflow.Engine.OpenFlow;

/// <summary>Meter table modification (OpenFlow <c>OFPMC_*</c>).</summary>
public enum MeterModCommand : byte
{
    Add,
    Modify,
    Delete,
}
