using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>One pass of a packet: rules and actions as <c>ofproto/trace</c> prints them, then the megaflow that came out.</summary>
internal static class TranslationText
{
    public static void Write(Translator translator, XlateResult result, MegaflowInfo megaflow, bool isNew, long nowMs, TextWriter output)
    {
        WritePass(translator, result, megaflow.Key, megaflow.LengthBytes, "", nowMs, output);
        output.WriteLine($"Megaflow: {DpFlowFormatter.FormatKey(megaflow.Key, megaflow.Mask)}{(isNew ? " (new)" : "")}");
        output.WriteLine($"Datapath actions: {DpFlowFormatter.FormatActions(megaflow.Actions)}");
    }

    /// <summary>Rules and actions of one pass of a packet; what came out is in <paramref name="result"/>.</summary>
    /// <param name="translator">Translates.</param>
    /// <param name="result">With <see cref="XlateResult.Steps"/>.</param>
    /// <param name="key">The packet, with what earlier passes have made of it.</param>
    /// <param name="lengthBytes">Its length.</param>
    /// <param name="why">Goes behind the title.</param>
    /// <param name="nowMs">Time.</param>
    /// <param name="output">Where to print.</param>
    /// <param name="bridge">Title of the first pass.</param>
    public static void WritePass(Translator translator, XlateResult result, FlowKey key, int lengthBytes, string why, long nowMs, TextWriter output, string bridge = "bridge")
    {
        translator.Translate(ref key, lengthBytes, result, nowMs);
        output.WriteLine();
        string title = key.RecircId.Host == 0 ? bridge : string.Create(CultureInfo.InvariantCulture, $"recirc(0x{key.RecircId.Host:x}){why}");
        output.WriteLine(title);
        output.WriteLine(new string('-', title.Length));
        int at = 0;
        WriteSteps(result.Steps!, ref at, 0, 0, new FlowTextFormatter(), output);
        if (result.Error is string error) output.WriteLine($"    >>>> {error}");
    }

    /// <summary>The steps of one depth and those within them. A table that is the last thing of its list stands no further in than that (OVS <c>oftrace_node_print_details</c>).</summary>
    private static void WriteSteps(IReadOnlyList<XlateStep> steps, ref int at, int depth, int level, FlowTextFormatter formatter, TextWriter output)
    {
        while (at < steps.Count && steps[at].Depth >= depth)
        {
            XlateStep step = steps[at];
            int next = at + 1;
            while (next < steps.Count && steps[next].Depth > step.Depth) next++;
            bool isLast = next == steps.Count || steps[next].Depth < step.Depth;
            bool isIn = !isLast || step.Rule is null;
            string indent = new(' ', 4 * (level + (isIn ? 1 : 0)));
            if (step.Rule is OfRule rule) output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{indent}{step.Table,2}. {Match(formatter, rule)}{step.Text}"));
            else output.WriteLine($"{indent}{(step.Action is { } action ? formatter.Format(action) : step.Text)}");
            at++;
            WriteSteps(steps, ref at, step.Depth + 1, level + (isIn ? 2 : 0), formatter, output);
        }
    }

    private static string Match(FlowTextFormatter formatter, OfRule rule)
    {
        Match wanted = rule.Match;
        string match = formatter.Format(ref wanted);
        return match.Length == 0 ? "" : $"{match}, ";
    }
}
