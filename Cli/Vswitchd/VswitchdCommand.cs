using System.CommandLine;
using System.Runtime.InteropServices;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;
using Mergeflow.Control.Ovsdb;

namespace Mergeflow.Cli;

/// <summary><c>vswitchd [DATABASE]</c>: a switch that an Open vSwitch database controls, with the options of <c>ovs-vswitchd</c>.</summary>
internal static class VswitchdCommand
{
    public static Command Create(CancellationToken interrupted)
    {
        VswitchdOptions options = new();
        Command command = new("vswitchd", "Run the switch that an Open vSwitch database describes, in the place of ovs-vswitchd.");
        options.AddTo(command);
        command.SetAction(parsed => Run(options.Resolve(parsed), parsed.InvocationConfiguration.Error, interrupted));
        return command;
    }

    private static int Run(VswitchdArguments arguments, TextWriter console, CancellationToken interrupted)
    {
        using Vlog log = new(console);
        foreach (string levels in arguments.Verbosity)
        {
            if (log.Set(levels) is { } wrong) CommandFailedException.ThrowUsage($"--verbose: {wrong}");
        }

        if (arguments.LogFile is { } file) log.OpenFile(file);
        using LockedPidFile? pid = arguments.PidFile is { } path ? new LockedPidFile(path) : null;
        using Vswitchd vswitchd = new(arguments.Database, new LiveBridgeHost(), log);
        UnixctlCommands commands = new();
        VswitchdCommands.AddTo(commands, vswitchd, log);
        using UnixctlServer server = new(arguments.Unixctl, commands);
        Interruption.LetGo();
        PosixSignalRegistration[] ends = [.. new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT }.Select(signal => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            vswitchd.End();
        }))];
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, static context => context.Cancel = true);
        using CancellationTokenRegistration end = interrupted.Register(vswitchd.End);
        log.Write("bridge", VlogLevel.Info, VswitchdCommands.VersionLine);
        vswitchd.Run();
        log.Write("vswitchd", VlogLevel.Info, "ending");
        foreach (PosixSignalRegistration registration in ends) registration.Dispose();
        return ExitCode.Ok;
    }
}
