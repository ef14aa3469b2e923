using Mergeflow.Engine;
using Mergeflow.Perf;

// Quick harness: name [none|soft|nic] [seconds] [runs]
string name = args[0];
var settings = new BenchSettings
{
    Offload = args.Length > 1 ? Enum.Parse<OffloadMode>(args[1], true) : OffloadMode.None,
    Seconds = args.Length > 2 ? double.Parse(args[2]) : 1,
    Runs = args.Length > 3 ? int.Parse(args[3]) : 3,
    CacheOn = !name.EndsWith("_emc0"),
    OneShot = name.StartsWith("s6") || name.StartsWith("s7"),
    Cpu = 1,
};
using var runner = new ScenarioRunner(WorkloadRecipe.Make(name.Replace("_emc0", "")), settings);
BenchResult r = runner.Run();
BenchRun m = r.Median;
PmdStats s = m.Stats;
Console.WriteLine($"{name,-20} {settings.Offload,-5} {m.CyclesPerPacket,8:F1} cyc [{r.MinCycles:F1}..{r.MaxCycles:F1}] {m.PacketsPerSecond / 1e6,7:F2} Mpps tx/rx {(double)s.Tx / s.Rx:F3} passes {(double)s.Passes / s.Rx:F2} merged {100.0 * s.MergedHits / s.Rx:F1}% emc {100.0 * s.EmcHits / Math.Max(1, s.Passes):F1}% mf {100.0 * s.MegaflowHits / Math.Max(1, s.Passes):F1}% sub {(double)s.SubtablesProbed / Math.Max(1, s.MegaflowHits + s.Upcalls):F2} upcalls {s.Upcalls} alloc {m.AllocatedBytes} gc {m.Collections} mf {r.Megaflows} conns {r.Connections}");
