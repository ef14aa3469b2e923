using System.CommandLine;
using System.Globalization;
using Mergeflow.Control;
using Mergeflow.Control.OpenFlow;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow switch</c>: a switch that runs, in the foreground, until SIGTERM or SIGINT; SIGHUP reads its rules anew and begins its log file anew.</summary>
internal static class SwitchCommand
{
    public static Command Create(CancellationToken interrupted)
    {
        SwitchOptions options = new();
        Command command = new("switch", "Run a switch with live ports; without flows it learns addresses.");
        options.AddTo(command);
        command.SetAction(parsed => Run(options.Resolve(parsed), parsed.InvocationConfiguration.Output, interrupted));
        return command;
    }

    private static int Run(SwitchArguments arguments, TextWriter output, CancellationToken interrupted)
    {
        using LiveLog log = new(output, arguments.LogFile);
        using RunningSwitch running = new(Build(arguments), arguments.Specs, arguments.Files, log);
        OfPipeline rules = arguments.Files.Load(running.Datapath.Pipeline.Options, arguments.Specs, running.Warn);
        RuleText.Replace(running, rules);
        if (arguments.StateFile is string state) TakeOver(running, state);
        if (running.Datapath.Shadow is { } shadow) shadow.Reported = new ShadowCases(running, arguments.ShadowCases).Keep;
        using SwitchSignals signals = new(running);
        using UnixctlServer server = new(arguments.Socket, LiveCommands.Of(running));
        Start(running, arguments);
        if (arguments.KeepLastBytes > 0) running.Last = new LastFrames(running, arguments.KeepLastBytes);
        using OfEndpoint openFlow = new(arguments.OpenFlow, new LiveOfSwitch(running.Live, arguments.Bridge, running.SetUp));
        using StateKeeper? keeper = arguments.StateFile is string kept ? new StateKeeper(running, kept, arguments.StateEvery) : null;
        using PidFile? pid = arguments.PidFile is string path ? new PidFile(path) : null;
        log.Write(string.Create(CultureInfo.InvariantCulture, $"running: {Count(arguments.Ports.Count, "port")}, {Count(rules.Rules.Count(), "flow")}, offload {arguments.Datapath.Offload.ToString().ToLowerInvariant()}, {Count(arguments.Datapath.PmdCount, "packet thread")}; control socket {arguments.Socket}, OpenFlow {arguments.OpenFlow}"));
        signals.Wait(interrupted);
        log.Write("ending");
        if (running.Live.Failure is null) keeper?.Finish();
        return running.Live.Failure is null ? ExitCode.Ok : throw new CommandFailedException(ExitCode.Failed, running.Live.Failure);
    }

    private static void Start(RunningSwitch running, SwitchArguments arguments)
    {
        try
        {
            running.Start(arguments.Ports, arguments.Tunnels);
        }
        catch (IOException e)
        {
            throw new IOException($"{e.Message}{SwitchStart.Missing()}", e);
        }
    }

    private static void TakeOver(RunningSwitch running, string path)
    {
        if (!File.Exists(path)) return;
        IReadOnlyList<SavedConn> connections = ConnectionFile.Read(path, DateTime.UtcNow);
        int n = running.Datapath.RestoreConnections(connections, running.NowMs);
        running.Log.Write(string.Create(CultureInfo.InvariantCulture, $"{Count(n, "connection")} taken over{(n < connections.Count ? $", {connections.Count - n} left out" : "")}"));
    }

    private static string Count(int n, string what) => string.Create(CultureInfo.InvariantCulture, $"{n} {what}{(n == 1 ? "" : "s")}");

    /// <summary>The kernel may not have, or not allow, what a device in it needs.</summary>
    private static LiveSwitch Build(SwitchArguments arguments)
    {
        try
        {
            return new LiveSwitch(arguments.Datapath, new ThreadedSwitchOptions { Cpus = arguments.Cpus });
        }
        catch (IOException e) when (arguments.Datapath.Offload == OffloadMode.Kernel)
        {
            throw new CommandFailedException(ExitCode.MissingFeature, $"--offload kernel: {e.Message}");
        }
    }
}
