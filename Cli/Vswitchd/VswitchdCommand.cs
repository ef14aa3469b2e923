using System.CommandLine;
using System.Runtime.InteropServices;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary><c>vswitchd [DATABASE]</c>: a switch that an Open vSwitch database controls, with the options of <c>ovs-vswitchd</c>.</summary>
internal static class VswitchdCommand
{
    public static Command Create(CancellationToken interrupted)
    {
        VswitchdOptions options = new();
        Command command = new("vswitchd", "Run the switch that an Open vSwitch database describes, in the place of ovs-vswitchd.");
        options.AddTo(command);
        command.SetAction(parsed =>
        {
            if (!options.AsksForVersion(parsed)) return Run(options.Resolve(parsed), parsed.InvocationConfiguration.Error, interrupted);
            parsed.InvocationConfiguration.Output.WriteLine(VswitchdCommands.VersionLine);
            return ExitCode.Ok;
        });
        return command;
    }

    private static LiveBridgeHost Host(VswitchdArguments arguments, Vlog log) => new()
    {
        Topology = Topology(arguments, log),
        RunFolder = OvsFolders.Run,
        Vlog = log,
        Dummies = arguments.Dummies,
        IsSystemDisabled = arguments.IsSystemDisabled,
        IsSystemRouteDisabled = arguments.IsSystemRouteDisabled,
        TlsFiles = arguments.Tls,
        IsConfined = arguments.IsConfined,
        Quirks = arguments.Quirks,
        Warn = line => log.Write("netdev_vport", VlogLevel.Warn, line),
        Say = log.Write,
        LogBfd = line => log.Write("bfd", VlogLevel.Info, line),
        Log = (module, isWarning, line) => log.Write(module, isWarning ? VlogLevel.Warn : VlogLevel.Info, line),
    };

    private static NumaTopology Topology(VswitchdArguments arguments, Vlog log)
    {
        NumaTopology topology = arguments.DummyNuma is { } nodes ? NumaTopology.OfDummy(nodes, line => log.Write("ovs_numa", VlogLevel.Warn, line)) : NumaTopology.OfSystem();
        foreach (string line in topology.Lines()) log.Write("ovs_numa", VlogLevel.Info, line);
        return topology;
    }

    private static int Run(VswitchdArguments arguments, TextWriter console, CancellationToken interrupted)
    {
        BackgroundStage stage = BackgroundProcess.Stage;
        if (stage == BackgroundStage.Launcher && arguments.IsDetached) return BackgroundProcess.Launch(arguments.IsMonitored);
        if (arguments.IsMonitored && stage != BackgroundStage.Worker) return BackgroundProcess.Monitor(arguments.IsDetached);
        if (stage == BackgroundStage.Worker && arguments.IsDetached) DaemonCalls.LeaveTerminal();
        using Vlog log = new(console);
        foreach (string levels in arguments.Verbosity)
        {
            if (log.Set(levels) is { } wrong) CommandFailedException.ThrowUsage($"processing \"{levels}\": {wrong}");
        }

        ProcessName.Set("ovs-vswitchd");

        // Before anybody can know that it runs.
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(interrupted);
        PosixSignalRegistration[] ends = [.. new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT }.Select(signal => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            ending.Cancel();
        }))];
        Interruption.LetGo();
        if (arguments.LogFile is { } file) log.OpenFile(file);
        if (arguments.LocksMemory && DaemonCalls.LockMemory() is { } why) log.Write("vswitchd", VlogLevel.Err, $"mlockall failed: {why}");
        using LockedPidFile? pid = arguments.PidFile is { } path ? new LockedPidFile(path) : null;
        using LiveBridgeHost host = Host(arguments, log);
        using Vswitchd vswitchd = new(arguments.Database, host, log);
        UnixctlCommands commands = new();
        VswitchdCommands.AddTo(commands, vswitchd, host, log);
        using UnixctlServer server = new(arguments.Unixctl, commands, makesFolder: false);
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, static context => context.Cancel = true);
        using CancellationTokenRegistration end = ending.Token.Register(vswitchd.End);
        vswitchd.Run(() =>
        {
            if (stage == BackgroundStage.Worker)
            {
                if (arguments.IsDetached && !arguments.StaysInFolder) Environment.CurrentDirectory = "/";
                if (arguments.IsDetached) log.CloseConsole();
                BackgroundProcess.SayReady(arguments.IsDetached, arguments.LogFile);
            }

            log.Write("vswitchd", VlogLevel.Info, VswitchdCommands.VersionLine);
        });
        log.Write("vswitchd", VlogLevel.Dbg, "ending");
        foreach (PosixSignalRegistration registration in ends) registration.Dispose();
        return ExitCode.Ok;
    }
}
