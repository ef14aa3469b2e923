using Mergeflow.Cli;
using Mergeflow.Native;
using Mergeflow.Perf;

OneCoreStart.Ensure();
PausesCommand.BeforeAll(args);

// A peer has to be stopped, and huge pages are given back.
const int patienceMs = 20_000;
using Interruption interruption = new(patienceMs);

// A thread that fails beside the measured one would otherwise only show in the figures.
PollerFailures.Reported += static failure => Console.Error.WriteLine($"run-perf: {failure.Line}");
int code = interruption.Code(PerfApp.Run(args, Console.Out, Console.Error, interruption.Token));
return code == PerfExitCode.Ok && PollerFailures.Count > 0 ? PerfExitCode.Failed : code;
