using Mergeflow.Control;

namespace Mergeflow.Cli;

/// <summary>
/// What the control socket of a switch answers: <see cref="Run"/>, by which this program's own commands run inside the switch, and the names that people know from <c>ovs-appctl</c>.
/// </summary>
internal static class LiveCommands
{
    /// <summary>Its arguments: what the client has read for the command, then the command as it was typed. Its result is a <see cref="LiveAnswer"/>.</summary>
    public const string Run = "mergeflow/run";

    private const string Datapath = "[dp]";

    /// <summary>All of them.</summary>
    public static UnixctlCommands Of(RunningSwitch live)
    {
        UnixctlCommands commands = new();
        commands.Add(Run, "attachment command [argument]...", 2, int.MaxValue, words => Execute(live, words[0], [.. words.Skip(1)]).Write());
        commands.AddStream(TcpdumpCommand.Method, "port|all in|out|both snap count [one-in]", 4, 5, words => TcpdumpCommand.Open(live, words));
        commands.AddStream(RecordCommand.Method, "seconds", 1, 1, words => RecordCommand.Open(live, words));
        commands.Add("version", "", 0, 0, static _ => $"mergeflow {ProgramVersion.Number}");
        commands.Add("exit", "[--cleanup]", 0, 1, _ =>
        {
            live.End();
            return "";
        });
        commands.Add("vlog/reopen", "", 0, 0, _ =>
        {
            live.Log.Reopen();
            return "";
        });
        Alias("dpctl/dump-flows", "[-m] " + Datapath, 2, ["dump-dp-flows"], "-m");
        Alias("dpctl/dump-conntrack", "[-s] " + Datapath, 2, ["dump-conntrack"], "-s");
        Alias("dpif-netdev/pmd-perf-show", Datapath, 1, ["pmd-perf-show"]);
        Alias("bridge/dump-flows", "bridge", 1, ["dump-flows"]);
        Alias("dpctl/show", "[-s] " + Datapath, 2, ["ports"], "-s");
        Alias("dpif/show", "", 0, ["ports"]);
        Alias("fdb/show", "bridge", 1, ["dump-macs"]);
        commands.Add("ofproto/trace", "bridge br_flow", 2, 2, words => Say(live, ["trace", "--flow", words[1]], ["--flow"]));
        commands.Add("dpctl/flush-conntrack", "[dp] [zone=N]", 0, 2, words => Say(live, ["flush-conntrack", .. words.Where(static w => w.StartsWith("zone=", StringComparison.Ordinal)).Select(static w => w["zone=".Length..])]));
        commands.Add("revalidator/purge", "", 0, 0, _ =>
        {
            live.Note(live.Datapath.PurgeMegaflows(live.NowMs));
            return "";
        });
        return commands;

        void Alias(string name, string usage, int most, string[] command, params string[] flags)
            => commands.Add(name, usage, 0, most, words => Say(live, [.. command, .. words.Where(w => w.StartsWith('-'))], flags));
    }

    /// <summary>Runs a command inside the switch.</summary>
    public static LiveAnswer Execute(RunningSwitch live, string attachment, string[] arguments)
    {
        using StringWriter output = new(), error = new();
        int code = App.Run(arguments, new LiveInvocation(live, attachment) { Output = output, Error = error });
        return new LiveAnswer(code, output.ToString(), error.ToString());
    }

    /// <summary>The same for who wants text or an error.</summary>
    private static string Say(RunningSwitch live, string[] arguments, string[]? flags = null)
    {
        if (arguments.Skip(1).FirstOrDefault(a => a.StartsWith('-') && flags?.Contains(a) != true) is string unknown) throw new UnixctlException($"{unknown}: no such option");
        LiveAnswer answer = Execute(live, "", arguments);
        return answer.Code == ExitCode.Ok ? answer.Output : throw new UnixctlException(answer.Error.TrimEnd('\n'));
    }
}
