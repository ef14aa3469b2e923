using System.CommandLine;
using System.Globalization;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow offload explain</c>: the merged rules that a flow is in, or why it is in none; for a match that takes many flows, their sum and the heaviest.</summary>
internal static class OffloadExplainCommand
{
    private const int DefaultTop = 10;

    public static Command Create(CancellationToken interrupted)
    {
        Option<string> flow = new("--flow")
        {
            Required = true,
            HelpName = "MATCH",
            Description = "A match in ovs-ofctl syntax: a 5-tuple (in_port=1,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=1000,tp_dst=80), or less (tcp,tp_dst=443; ip,nw_src=10.0.0.0/8).",
        };
        NumberOption<int> top = new("--top") { HelpName = "N", Description = "Flows that are listed, the heaviest first.", DefaultValueFactory = _ => DefaultTop };
        return ShowCommand.Create("explain", "Replay, then say for a flow which rule it is in, or why it is in none; or sum up many flows.", interrupted, context => Show(context, flow, top), flow, top);
    }

    private static int Show(ShowContext context, Option<string> option, NumberOption<int> top)
    {
        OffloadThread offload = context.RequireOffload();
        Match match = ParseMatch(context.Parsed.GetRequiredValue(option));
        FlowKey value = match.Value.Key, mask = match.Mask.Key;
        if (context.Fates is not { } fates) return ShowOfRunning(context, offload.Report.Explain(value, mask), context.Parsed.GetValue(top));
        IReadOnlyList<FlowFate> flows = fates.Matching(value, mask);
        if (flows.Count == 0)
        {
            if (!context.IsJson) context.Output.WriteLine("not seen: no packet of the input matches");
            return ExitCode.NotSeen;
        }

        if (flows.Count == 1 || IsTuple(mask)) ShowOne(context, offload.Report.Explain(value, mask), flows);
        else ShowMany(context, flows, context.Parsed.GetValue(top));
        return ExitCode.Ok;
    }

    /// <summary>A switch that runs keeps no account of each flow: its rules, and the latest refusals.</summary>
    private static int ShowOfRunning(ShowContext context, OffloadExplanation explanation, int top)
    {
        foreach (MergedFlow rule in explanation.Live) Write(context, "in a rule", rule);
        foreach (MergedFlow rule in explanation.Dead.TakeLast(top)) Write(context, "was in a rule", rule);
        foreach (Refusal refusal in explanation.Refusals.Take(top)) Write(context, new FlowReason(refusal.Reason, new BookTotals(refusal.Packets, refusal.Bytes), refusal.Pass, refusal.Detail, refusal.AtMs));
        if (explanation.Live.Count + explanation.Dead.Count + explanation.Refusals.Count > 0) return ExitCode.Ok;
        if (!context.IsJson) context.Output.WriteLine("not known: there is no rule for it, and none of the latest refusals");
        return ExitCode.NotSeen;
    }

    private static void ShowOne(ShowContext context, OffloadExplanation explanation, IReadOnlyList<FlowFate> flows)
    {
        foreach (MergedFlow rule in explanation.Live) Write(context, "in a rule", rule);
        foreach (MergedFlow rule in explanation.Dead) Write(context, "was in a rule", rule);
        foreach (FlowFate flow in flows)
        {
            if (!context.IsJson) context.Output.WriteLine($"{flow.Text}: {Fate(flow)}");
            foreach (FlowReason refusal in flow.Reasons.OrderByDescending(static r => r.LastMs)) Write(context, refusal);
        }
    }

    private static void Write(ShowContext context, FlowReason refusal)
    {
        string reason = MergedFlowText.Reason(refusal.Reason, refusal.Detail);
        if (context.IsJson)
        {
            context.WriteJson(json =>
            {
                json.WriteString("what", refusal.Reason == OffloadReason.AlreadyOffloaded ? "waited" : "refused");
                json.WriteString("reason", reason);
                json.WriteNumber("pass", refusal.Pass);
                json.WriteNumber("packets", refusal.Lost.Packets);
                json.WriteNumber("bytes", refusal.Lost.Bytes);
                json.WriteNumber("last_at_ms", refusal.LastMs);
                json.WriteString("because", ReasonText.Sentence(refusal.Reason));
                json.WriteString("helps", ReasonText.Hint(refusal.Reason, refusal.Detail));
            });
            return;
        }

        string pass = refusal.Pass < 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" in pass {refusal.Pass}");
        string what = refusal.Reason == OffloadReason.AlreadyOffloaded ? "waited" : "refused";
        context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {reason}{pass}, {refusal.Lost.Packets} packets, {refusal.Lost.Bytes} bytes, the last at {refusal.LastMs} ms"));
        context.Output.WriteLine($"  {ReasonText.Sentence(refusal.Reason)}");
        if (refusal.Reason != OffloadReason.AlreadyOffloaded) context.Output.WriteLine($"  What helps: {ReasonText.Hint(refusal.Reason, refusal.Detail)}");
    }

    private static void ShowMany(ShowContext context, IReadOnlyList<FlowFate> flows, int top)
    {
        if (context.IsJson)
        {
            foreach (FlowFate flow in flows.Take(top))
            {
                context.WriteJson(json =>
                {
                    json.WriteString("flow", flow.Text);
                    json.WriteNumber("packets", flow.Received.Packets);
                    json.WriteNumber("bytes", flow.Received.Bytes);
                    json.WriteNumber("offloaded_packets", flow.Offloaded.Packets);
                    json.WriteNumber("offloaded_bytes", flow.Offloaded.Bytes);
                    json.WriteStartObject("refused");
                    foreach (FlowReason r in flow.Reasons) json.WriteNumber(r.Reason.ToString(), r.Lost.Packets);
                    json.WriteEndObject();
                });
            }

            return;
        }

        BookTotals Sum(Func<FlowFate, BookTotals> part) => flows.Aggregate(default(BookTotals), (sum, f) => sum + part(f));
        (OffloadReason Reason, BookTotals Lost)[] reasons = [.. flows.SelectMany(static f => f.Reasons).GroupBy(static r => r.Reason)
            .Select(static g => (g.Key, g.Aggregate(default(BookTotals), static (sum, r) => sum + r.Lost))).OrderByDescending(static r => r.Item2.Bytes)];
        OffloadShares shares = new(
            Sum(static f => f.Received),
            Sum(static f => f.Offloaded),
            Sum(static f => f.MadeRule),
            reasons.FirstOrDefault(static r => r.Reason == OffloadReason.AlreadyOffloaded).Lost,
            [.. reasons.Where(static r => r.Reason != OffloadReason.AlreadyOffloaded)]);
        context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{flows.Count:N0} flows: {ShareTable.Summary(shares)}"));
        ShareTable.Table(ShareTable.Rows(shares)).Write(context.Output);
        TextTable table = new(1, top < flows.Count ? string.Create(CultureInfo.InvariantCulture, $"heaviest {top} flows") : "flows", "packets", "bytes", "% of bytes offloaded", "largest loss") { TextHeaders = ["largest loss"] };
        foreach (FlowFate flow in flows.Take(top))
        {
            FlowReason worst = flow.Reasons.Where(static r => r.Reason != OffloadReason.AlreadyOffloaded).OrderByDescending(static r => r.Lost.Bytes).FirstOrDefault();
            table.AddRow(
                flow.Text,
                flow.Received.Packets.ToString("N0", CultureInfo.InvariantCulture),
                flow.Received.Bytes.ToString("N0", CultureInfo.InvariantCulture),
                ShareTable.Share(flow.Offloaded.Bytes, flow.Received.Bytes),
                worst.Reason == OffloadReason.None ? "-" : MergedFlowText.Reason(worst.Reason, worst.Detail));
        }

        table.Write(context.Output);
    }

    private static string Fate(FlowFate flow) => string.Create(
        CultureInfo.InvariantCulture, $"{flow.Received.Packets:N0} packets, {flow.Received.Bytes:N0} bytes; {flow.Offloaded.Packets:N0} packets, {flow.Offloaded.Bytes:N0} bytes of them took a merged rule");

    private static bool IsTuple(FlowKey mask)
        => mask.NwProto == byte.MaxValue && mask.TpSrc.Raw == ushort.MaxValue && mask.TpDst.Raw == ushort.MaxValue
        && ((mask.NwSrc.Raw == uint.MaxValue && mask.NwDst.Raw == uint.MaxValue) || (mask.Ipv6Src.ToUInt128() == UInt128.MaxValue && mask.Ipv6Dst.ToUInt128() == UInt128.MaxValue));

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
            if (context.Datapath.FindMegaflow(p.MegaflowId, p.Generation, context.NowMs) is { } m)
                now = string.Create(CultureInfo.InvariantCulture, $"{DpFlowFormatter.FormatKey(m.Key, m.Mask)}, packets:{m.Packets}, bytes:{m.Bytes}, in software and hardware");

            context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  pass {i}: megaflow {p.MegaflowId}{times}, generation {p.Generation}: {now}"));
        }

        foreach (MergedConn c in rule.Conns)
        {
            bool isCurrent = context.Datapath.Conntrack.Offload.IsOffloadable(c.ConnId, c.Generation);
            context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  connection {c.ConnId}, {(c.Reply ? "reply" : "original")} direction, generation {c.Generation}: {(isCurrent ? "established" : "has moved on")}"));
        }
    }

    private static Match ParseMatch(string match)
    {
        try
        {
            return new FlowTextParser().ParseFlow($"{match}{(match.Length == 0 ? "" : ",")}actions=drop").Match;
        }
        catch (FlowTextException e)
        {
            throw new CommandFailedException(ExitCode.Usage, string.Create(CultureInfo.InvariantCulture, $"--flow: column {e.Column}: {e.Message}"));
        }
    }
}
