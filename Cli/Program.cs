using System.Runtime.InteropServices;
using Mergeflow.Cli;
using Mergeflow.Native;

if (ProcessSeed.Fault is string fault)
{
    Console.Error.WriteLine($"mergeflow: {fault}");
    return ExitCode.Usage;
}

using CancellationTokenSource interrupt = new();

// The first signal asks the command to stop (it removes what it has half written); a second one kills as usual.
void OnSignal(PosixSignalContext context)
{
    context.Cancel = !interrupt.IsCancellationRequested;
    interrupt.Cancel();
}

using PosixSignalRegistration sigint = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
using PosixSignalRegistration sigterm = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);

return App.Run(args, Console.Out, Console.Error, interrupt.Token);
