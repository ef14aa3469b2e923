using System.CommandLine;
using System.Globalization;
using Mergeflow.Nic;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow offload show</c>: the merged rules that exist after a replay, as they are or as commands for tc or testpmd.</summary>
internal static class OffloadShowCommand
{
    public static Command Create(CancellationToken interrupted)
    {
        Option<bool> dead = new("--dead") { Description = "Also the latest rules that are gone, with the reason." };
        Option<string?> form = new("--as") { HelpName = "tc|testpmd", Description = "As tc filter add .. flower, or as testpmd's flow create; what these cannot say is named in a comment." };
        form.AcceptOnlyFromAmong("tc", "testpmd");
        Command command = ShowCommand.Create("show", "Replay, then print the merged rules.", interrupted, context => Show(context, dead, form), dead, form);
        command.Validators.Add(result =>
        {
            if (result.GetValue(form) is null) return;
            if (result.GetValue(dead)) result.AddError("--as and --dead exclude each other: rules that are gone are no commands");
            if (result.Children.OfType<System.CommandLine.Parsing.OptionResult>().Any(static o => o.Option.Name == "--json" && !o.Implicit)) result.AddError("--as and --json exclude each other");
        });
        return command;
    }

    private static void Show(ShowContext context, Option<bool> dead, Option<string?> form)
    {
        OffloadThread offload = context.RequireOffload();
        IEnumerable<MergedFlow> rules = offload.Report.Rules().OrderBy(r => r.Id);
        if (context.Parsed.GetValue(dead)) rules = rules.Concat(offload.Report.DeadRules());
        string? how = context.Parsed.GetValue(form);
        if (how is not null) rules = rules.Where(static r => r.State == MergedFlowState.Active);
        foreach (MergedFlow rule in rules)
        {
            if (how is not null) WriteCommand(context, rule, how);
            else if (context.IsJson) context.WriteJson(json => MergedFlowText.WriteMembers(json, rule));
            else context.Output.WriteLine(MergedFlowText.Line(rule));
        }
    }

    private static void WriteCommand(ShowContext context, MergedFlow rule, string how)
    {
        string number = string.Create(CultureInfo.InvariantCulture, $"rule {rule.Id}");
        if (NicOffloadProvider.Translate(rule, out OffloadReason reason, out string? detail, context.Datapath.Options.VlanLimit == 1) is not { } flow)
        {
            context.Output.WriteLine($"# {number}: no rule for a device: {MergedFlowText.Reason(reason, detail)}: {MergedFlowText.Line(rule)}");
            return;
        }

        if (how == "testpmd")
        {
            TestpmdFormatter.Unsaid(flow, out IReadOnlyList<string> inexact, out IReadOnlyList<string> unsaid);
            if (inexact.Count > 0) context.Output.WriteLine($"# {number}: not exactly the rule, testpmd has no word for: {string.Join(", ", inexact)}");
            if (unsaid.Count > 0)
            {
                context.Output.WriteLine($"# {number}: no command, testpmd cannot: {string.Join(", ", unsaid)}");
                return;
            }

            string lines = TestpmdFormatter.Format(flow);
            if (lines.Split('\n').Any(static l => l.Length > TestpmdFormatter.MaxLineChars)) context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"# {number}: longer than the {TestpmdFormatter.MaxLineChars} characters that testpmd reads of a line"));
            context.Output.WriteLine(lines);
            return;
        }

        string? command = TcFormatter.Format(flow, port => DeviceOf(context, port), out IReadOnlyList<string> missingMatch, out IReadOnlyList<string> missingActions);
        if (missingMatch.Count > 0) context.Output.WriteLine($"# {number}: not exactly the rule, tc flower cannot match: {string.Join(", ", missingMatch)}");
        if (missingActions.Count > 0) context.Output.WriteLine($"# {number}: no command, tc cannot do: {string.Join(", ", missingActions)}");
        if (command is not null) context.Output.WriteLine(command);
    }

    private static string DeviceOf(ShowContext context, uint port)
        => context.Datapath.Options.Ports.FirstOrDefault(p => p.Number == port).Name ?? string.Create(CultureInfo.InvariantCulture, $"port{port}");
}
