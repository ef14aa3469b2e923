using System.Runtime.InteropServices;
using Mergeflow.Native;
using Mergeflow.Perf;

OneCoreStart.Ensure();

using CancellationTokenSource interrupt = new();

// The first signal asks the run to stop, nothing half written stays; a second one kills as usual.
void OnSignal(PosixSignalContext context)
{
    context.Cancel = !interrupt.IsCancellationRequested;
    interrupt.Cancel();
}

using PosixSignalRegistration sigint = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
using PosixSignalRegistration sigterm = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);

// A thread that fails beside the measured one would otherwise only show in the figures.
PollerFailures.Reported += static failure => Console.Error.WriteLine($"run-perf: {failure.Line}");
int code = PerfApp.Run(args, Console.Out, Console.Error, interrupt.Token);
return code == PerfExitCode.Ok && PollerFailures.Count > 0 ? PerfExitCode.Failed : code;
