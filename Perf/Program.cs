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

return PerfApp.Run(args, Console.Out, Console.Error, interrupt.Token);
