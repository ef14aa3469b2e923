using Mergeflow.Engine;
using Mergeflow.Nic;

namespace Mergeflow.PropertyTests;

/// <summary>How the engine is built for a run; none of it may be seen in the result.</summary>
internal sealed record EngineSetup(OffloadMode Offload = OffloadMode.None, bool CacheOn = true, int BatchSize = 32, ulong Seed = 1, string? NicProfile = null, int Capacity = 65_536, FaultPlan? Faults = null)
{
    public override string ToString()
        => $"offload={Offload} profile={NicProfile} cache={(CacheOn ? "on" : "off")} batch={BatchSize} seed={Seed} capacity={Capacity} {(Faults is null ? "" : Faults.ToString())}";
}
