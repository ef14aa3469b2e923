using Mergeflow.Cli;
using Mergeflow.Native;

if (args is ["switch", ..]) SwitchStart.Prepare();
if (args is ["vswitchd", ..]) ShortCollections.Ensure();
if (ProcessSeed.Fault is string fault)
{
    Console.Error.WriteLine($"mergeflow: {fault}");
    return ExitCode.Usage;
}

const int patienceMs = 1000;
using Interruption interruption = new(patienceMs);
return interruption.Code(App.Run(args, Console.Out, Console.Error, interruption.Token));
