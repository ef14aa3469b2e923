using System.CommandLine;
using System.Globalization;
using Mergeflow.Nic;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow merge</c>: what a running Open vSwitch's flows and connections would be as one rule, or why they cannot be one.</summary>
internal static class MergeCommand
{
    public static Command Create()
    {
        Option<string> flows = new("--flows") { Required = true, HelpName = "DUMP", Description = "Output of ovs-appctl dpctl/dump-flows [-m]." };
        Option<string?> conntrack = new("--conntrack") { HelpName = "DUMP", Description = "Output of ovs-appctl dpctl/dump-conntrack [-s]." };
        Option<string> packet = new("--packet")
        {
            Required = true,
            HelpName = "MATCH",
            Description = "The packet in ovs-ofctl syntax, as much of it as is known: in_port=ens1f0,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=1000,tp_dst=80.",
        };
        Option<string?> profile = new("--profile") { HelpName = "FILE", Description = "NIC profile, a built-in name or a JSON file, that the rule has to suit." };
        profile.CompletionSources.Add([.. NicProfile.EmbeddedNames]);
        Command command = new("merge", "Rebuild a packet's chain from dumps of a running switch and print it as one rule.") { flows, conntrack, packet, profile };
        command.SetAction(parsed => Run(
            parsed.InvocationConfiguration.Output, parsed.GetRequiredValue(flows), parsed.GetValue(conntrack), parsed.GetRequiredValue(packet), parsed.GetValue(profile)));
        return command;
    }

    private static int Run(TextWriter output, string flowsPath, string? conntrackPath, string packet, string? profile)
    {
        DpFlowParser parser = new();
        IReadOnlyList<DpFlow> flows = Read(flowsPath, parser.Parse);
        if (flows.Count == 0) CommandFailedException.ThrowBadInput(flowsPath, 1, "there is no datapath flow in it");
        IReadOnlyList<DpConnection> connections = conntrackPath is null ? [] : Read(conntrackPath, DpConnectionParser.Parse);
        PortNames ports = new(parser.Ports.Names);
        Match match = ParseMatch(packet, ports);
        DumpChain chain = new DumpMerger(flows, connections).Merge(match.Value.Key, match.Mask.Key);
        for (int i = 0; i < chain.Flows.Count; i++)
        {
            DpFlow f = chain.Flows[i];
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"pass {i}: line {f.Line}: {DpFlowFormatter.FormatKey(f.Value, f.Mask, ports)}, packets:{f.Packets}, actions:{DpFlowFormatter.FormatActions(f.Actions, ports)}"));
        }

        foreach (DpConnection c in chain.Connections) output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"connection: line {c.Line}: zone {c.Zone}{(c.State is null ? "" : ", " + c.State)}"));
        foreach (string note in chain.Notes) output.WriteLine($"note: {note}");
        if (chain.Rule is not { } rule)
        {
            output.WriteLine($"not merged: {chain.Refusal}");
            return ExitCode.Failed;
        }

        output.WriteLine($"merged: {DpFlowFormatter.FormatKey(rule.Value, rule.Mask, ports)}, {(rule.IsExact ? "exact" : "wildcard")}, actions:{DpFlowFormatter.FormatActions(rule.Program, ports)}");
        return WriteRule(output, rule, profile, parser.Ports) ? ExitCode.Ok : ExitCode.Failed;
    }

    private static bool WriteRule(TextWriter output, MergedFlow rule, string? profile, DpDumpPorts ports)
    {
        if (NicOffloadProvider.Translate(rule, out OffloadReason reason, out string? detail) is not { } flow)
        {
            output.WriteLine($"no NIC rule: {MergedFlowText.Reason(reason, detail)}");
            return false;
        }

        TestpmdFormatter.Unsaid(flow, out IReadOnlyList<string> inexact, out IReadOnlyList<string> unsaid);
        if (unsaid.Count > 0) output.WriteLine($"testpmd: no command, it cannot: {string.Join(", ", unsaid)}");
        else foreach (string line in TestpmdFormatter.Format(flow).Split('\n')) output.WriteLine($"testpmd: {line}");
        if (inexact.Count > 0) output.WriteLine($"testpmd: not exactly the rule, it has no word for: {string.Join(", ", inexact)}");
        foreach ((string name, uint number) in ports.Names) output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"port {number}: {name}"));
        if (profile is null) return true;
        using EmulatedNic nic = new(NicProfile.Load(profile), new NicOptions());
        FlowError? error = nic.Validate(flow);
        output.WriteLine(error is null ? $"{profile}: takes it" : $"{profile}: {error.Message}");
        return error is null;
    }

    private static T Read<T>(string path, Func<string, T> parse)
    {
        try
        {
            return parse(InputFile.ReadText(path));
        }
        catch (FlowTextException e)
        {
            throw new CommandFailedException(ExitCode.BadInput, string.Create(CultureInfo.InvariantCulture, $"{path}:{e.Line}:{e.Column}: {e.Message}"), e.Line);
        }
    }

    private static Match ParseMatch(string text, PortNames ports)
    {
        try
        {
            return new FlowTextParser(ports).ParseFlow($"{text},actions=drop").Match;
        }
        catch (FlowTextException e)
        {
            throw new CommandFailedException(ExitCode.Usage, string.Create(CultureInfo.InvariantCulture, $"--packet: column {e.Column}: {e.Message}"));
        }
    }
}
