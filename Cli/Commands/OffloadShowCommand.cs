using System.CommandLine;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow offload show</c>: the merged rules that exist after a replay.</summary>
internal static class OffloadShowCommand
{
    public static Command Create(CancellationToken interrupted)
    {
        Option<bool> dead = new("--dead") { Description = "Also the latest rules that are gone, with the reason." };
        return ShowCommand.Create("show", "Replay, then print the merged rules.", interrupted, context => Show(context, dead), dead);
    }

    private static void Show(ShowContext context, Option<bool> dead)
    {
        OffloadThread offload = context.RequireOffload();
        IEnumerable<MergedFlow> rules = offload.Report.Rules().OrderBy(r => r.Id);
        if (context.Parsed.GetValue(dead)) rules = rules.Concat(offload.Report.DeadRules());
        foreach (MergedFlow rule in rules)
        {
            if (context.IsJson) context.WriteJson(json => MergedFlowText.WriteMembers(json, rule));
            else context.Output.WriteLine(MergedFlowText.Line(rule));
        }
    }
}
