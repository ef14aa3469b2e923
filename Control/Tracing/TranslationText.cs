using System.Globalization;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Runtime;
using Mergeflow.Engine.Text;
using Mergeflow.Engine.Xlate;

namespace Mergeflow.Control.Tracing;

/// <summary>One pass of a packet: rules and actions as <c>ofproto/trace</c> prints them, then the megaflow that came out.</summary>
public static class TranslationText
{
    private const string Last = "--. Executing action set:";

    /// <summary>A pass that a packet of a megaflow made.</summary>
    public static void Write(Translator translator, XlateResult result, MegaflowInfo megaflow, bool isNew, long nowMs, TextWriter output)
    {
        FlowKey key = megaflow.Key;
        translator.Translate(ref key, megaflow.LengthBytes, result, nowMs);
        output.WriteLine();
        WriteTitle(key.RecircId.Host == 0 ? "bridge" : string.Create(CultureInfo.InvariantCulture, $"recirc(0x{key.RecircId.Host:x})"), output);
        WriteSteps(result.Steps!, new FlowTextFormatter(), output);
        if (result.Error is string error) output.WriteLine($"Translation failed ({error}), packet is dropped.");
        output.WriteLine($"Megaflow: {DpFlowFormatter.FormatKey(megaflow.Key, megaflow.Mask)}{(isNew ? " (new)" : "")}");
        output.WriteLine($"Datapath actions: {DpFlowFormatter.FormatActions(megaflow.Actions)}");
    }

    /// <summary>A line, and another one below it.</summary>
    public static void WriteTitle(string title, TextWriter output)
    {
        output.WriteLine(title);
        output.WriteLine(new string('-', title.Length));
    }

    /// <summary>The steps of a translation, each with those that are in it (OVS <c>oftrace_node_print_details</c>).</summary>
    public static void WriteSteps(IReadOnlyList<XlateStep> steps, FlowTextFormatter formatter, TextWriter output)
    {
        int at = 0;
        WriteSteps(steps, ref at, 0, 0, formatter, output);
    }

    /// <summary>Those of one depth. A table that is the last thing of its list stands no further in than that.</summary>
    private static void WriteSteps(IReadOnlyList<XlateStep> steps, ref int at, int depth, int level, FlowTextFormatter formatter, TextWriter output)
    {
        while (at < steps.Count && steps[at].Depth >= depth)
        {
            XlateStep step = steps[at];
            int next = at + 1;
            while (next < steps.Count && steps[next].Depth > step.Depth) next++;
            bool isLast = next == steps.Count || steps[next].Depth < step.Depth;
            bool isIn = !isLast || step.Kind is not (XlateStepKind.Bridge or XlateStepKind.Table or XlateStepKind.Thaw);
            string indent = new(' ', 4 * (level + (isIn ? 1 : 0)));
            string text = TextOf(step, formatter);
            if (step.Kind == XlateStepKind.Bridge) output.WriteLine();
            output.WriteLine(step.Kind switch
            {
                XlateStepKind.Detail => $"{indent} -> {text}",
                XlateStepKind.Warn => $"{indent} >> {text}",
                XlateStepKind.Error => $"{indent} >>>> {text} <<<<",
                _ => indent + text,
            });
            if (step.Kind == XlateStepKind.Bridge) output.WriteLine(indent + new string('-', text.Length));
            at++;
            WriteSteps(steps, ref at, step.Depth + 1, level + (isIn ? 2 : 0), formatter, output);
        }
    }

    private static string TextOf(XlateStep step, FlowTextFormatter formatter) => step switch
    {
        { Kind: XlateStepKind.Table, Text: Last } => Last,
        { Kind: XlateStepKind.Table, Rule: { } rule } => string.Create(CultureInfo.InvariantCulture, $"{step.Table,2}. {Match(formatter, rule)}priority {rule.Priority}{Cookie(rule)}"),
        { Kind: XlateStepKind.Table } => string.Create(CultureInfo.InvariantCulture, $"{step.Table,2}. {step.Text}"),
        { Action: { } action } => formatter.Format(action),
        { Nat: { } nat } => formatter.Format(nat),
        { Actions: { } actions } => step.Text + string.Join(',', actions.Select(formatter.Format)),
        { Range: { } range } => $"{range} is now {formatter.Format(range, step.Value)}",
        { Learned: { } rule } => Learned(formatter, rule),
        _ => step.Text,
    };

    private static string Match(FlowTextFormatter formatter, OfRule rule)
    {
        Match wanted = rule.Match;
        string match = formatter.Format(ref wanted);
        return match.Length == 0 ? "" : $"{match}, ";
    }

    private static string Cookie(OfRule rule) => rule.Cookie == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", cookie 0x{rule.Cookie:x}");

    /// <summary>What <c>learn</c> makes (OVS <c>xlate_learn_action</c>).</summary>
    private static string Learned(FlowTextFormatter formatter, FlowMod rule)
    {
        Match match = rule.Match;
        string text = string.Create(CultureInfo.InvariantCulture, $"table={rule.Table} {formatter.Format(ref match)}").TrimEnd(' ');
        text += string.Create(CultureInfo.InvariantCulture, $" priority={rule.Priority}");
        if (rule.NewCookie is { } cookie and not 0) text += string.Create(CultureInfo.InvariantCulture, $" cookie=0x{cookie:x}");
        if (rule.IdleTimeoutSeconds != 0) text += string.Create(CultureInfo.InvariantCulture, $" idle={rule.IdleTimeoutSeconds}");
        if (rule.HardTimeoutSeconds != 0) text += string.Create(CultureInfo.InvariantCulture, $" hard={rule.HardTimeoutSeconds}");
        if (rule.Flags.HasFlag(FlowModFlags.SendFlowRemoved)) text += " send_flow_rem";
        return $"{text} actions={(rule.Actions.Count == 0 ? "drop" : string.Join(',', rule.Actions.Select(formatter.Format)))}";
    }
}
