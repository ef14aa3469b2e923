using System.CommandLine;
using System.Globalization;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow offload explain</c>: the merged rule that a flow is in, or why it is in none.</summary>
internal static class OffloadExplainCommand
{
    public static Command Create(CancellationToken interrupted)
    {
        Option<string> flow = new("--flow")
        {
            Required = true,
            HelpName = "MATCH",
            Description = "A 5-tuple in ovs-ofctl syntax: in_port=1,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=1000,tp_dst=80.",
        };
        return ShowCommand.Create("explain", "Replay, then say for one flow which rule it is in, or why it is in none.", interrupted, context => Show(context, flow), flow);
    }

    private static void Show(ShowContext context, Option<string> flow)
    {
        OffloadThread offload = context.RequireOffload();
        OffloadExplanation explanation = offload.Report.Explain(ParseKey(context.Parsed.GetRequiredValue(flow)));
        foreach (MergedFlow rule in explanation.Live) Write(context, "in a rule", rule);
        foreach (MergedFlow rule in explanation.Dead) Write(context, "was in a rule", rule);
        foreach (Refusal refusal in explanation.Refusals)
        {
            string reason = MergedFlowText.Reason(refusal.Reason, refusal.Detail);
            if (context.IsJson)
            {
                context.WriteJson(json =>
                {
                    json.WriteString("what", "refused");
                    json.WriteString("reason", reason);
                    json.WriteNumber("pass", refusal.Pass);
                    json.WriteNumber("traces", refusal.Packets);
                    json.WriteNumber("last_at_ms", refusal.AtMs);
                });
            }
            else
            {
                context.Output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"refused: {reason} in pass {refusal.Pass}, {refusal.Packets} traces, the last at {refusal.AtMs} ms"));
            }
        }
        if (!context.IsJson && explanation is { Live.Count: 0, Dead.Count: 0, Refusals.Count: 0 })
            context.Output.WriteLine("not seen: no packet of this flow was a candidate");
    }

    private static void Write(ShowContext context, string what, MergedFlow rule)
    {
        if (!context.IsJson)
        {
            context.Output.WriteLine($"{what}: {MergedFlowText.Line(rule)}");
            WriteDependencies(context, rule);
            MergedTimelineText.Write(context.Output, rule);
            return;
        }
        context.WriteJson(json =>
        {
            json.WriteString("what", what);
            MergedFlowText.WriteMembers(json, rule);
            MergedTimelineText.WriteMembers(json, rule);
        });
    }

    /// <summary>The chain that the rule stands for, as far as it still exists, with its counters.</summary>
    private static void WriteDependencies(ShowContext context, MergedFlow rule)
    {
        for (int i = 0; i < rule.Passes.Length; i++)
        {
            MergedPass p = rule.Passes[i];
            string times = p.Multiplicity > 1 ? string.Create(CultureInfo.InvariantCulture, $" {p.Multiplicity} times") : "";
            string now = "is gone or was changed";
            MegaflowTable megaflows = context.Session.Simulator.Datapath.Pmds[MegaflowId.PmdOf(p.MegaflowId)].Megaflows;
            int slot = MegaflowId.SlotOf(p.MegaflowId);
            if (megaflows.IsCurrent(slot, p.Generation) && megaflows.Find(slot) is { } m)
            {
                (ulong packets, ulong bytes, _) = megaflows.CountersOf(m);
                now = string.Create(CultureInfo.InvariantCulture, $"{DpFlowFormatter.FormatKey(m.Value, m.Mask)}, packets:{packets}, bytes:{bytes}, in software and hardware");
            }

            context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  pass {i}: megaflow {p.MegaflowId}{times}, generation {p.Generation}: {now}"));
        }

        foreach (MergedConn c in rule.Conns)
        {
            bool isCurrent = context.Session.Simulator.Datapath.Conntrack.Offload.IsOffloadable(c.ConnId, c.Generation);
            context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  connection {c.ConnId}, {(c.Reply ? "reply" : "original")} direction, generation {c.Generation}: {(isCurrent ? "established" : "has moved on")}"));
        }
    }

    private static FlowKey ParseKey(string match)
    {
        try
        {
            return new FlowTextParser().ParseFlow($"{match},actions=drop").Match.Value.Key;
        }
        catch (FlowTextException e)
        {
            throw new CommandFailedException(ExitCode.Usage, string.Create(CultureInfo.InvariantCulture, $"--flow: column {e.Column}: {e.Message}"));
        }
    }
}
