using Mergeflow.Nic;

namespace Mergeflow.PropertyTests;

/// <summary>
/// How the engine is built for a run; none of it may be seen in the result. <paramref name="Shipped"/>: with the sizes that it has when nobody says
/// otherwise, which are also those that are measured; else with small ones, which are soon full.
/// </summary>
internal sealed record EngineSetup(OffloadMode Offload = OffloadMode.None, bool CacheOn = true, int BatchSize = 32, ulong Seed = 1, string? NicProfile = null, int Capacity = 65_536, FaultPlan? Faults = null, NaiveFault Naive = NaiveFault.None, ulong ScheduleSeed = 0, int QuietMs = 0, bool Guarded = false, bool RepeatsOvs31 = false, bool Apart = false, bool Shipped = false, int Pmds = 1, bool Asymmetric = false, int Handlers = 0)
{
    /// <summary>Control works in slices: in every other schedule.</summary>
    public bool Slices => ScheduleSeed != 0 && ScheduleSeed % 2 == 0 && !RepeatsOvs31;

    public override string ToString()
        => $"offload={Offload} profile={NicProfile} cache={(CacheOn ? "on" : "off")} batch={BatchSize} seed={Seed} capacity={Capacity} schedule={ScheduleSeed}{(Guarded ? " guarded" : "")}{(RepeatsOvs31 ? " as 3.1" : "")}{(Apart ? " apart" : "")}{(Slices ? " sliced" : "")}{(Shipped ? " as shipped" : "")}{(Pmds == 1 ? "" : $" pmds={Pmds}{(Asymmetric ? " asymmetric" : "")}")}{(Handlers == 0 ? "" : $" handlers={Handlers}")}{(Naive == NaiveFault.None ? "" : $" naive={Naive}")} {Faults?.ToJson().ReplaceLineEndings("")}";
}
