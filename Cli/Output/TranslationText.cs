using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>One pass of a packet: rules and actions as <c>ofproto/trace</c> prints them, then the megaflow that came out.</summary>
internal static class TranslationText
{
    public static void Write(Translator translator, XlateResult result, MegaflowInfo megaflow, bool isNew, long nowMs, TextWriter output)
    {
        FlowKey key = megaflow.Key;
        translator.Translate(ref key, megaflow.LengthBytes, result, nowMs);
        output.WriteLine();
        string title = string.Create(CultureInfo.InvariantCulture, $"recirc(0x{megaflow.Key.RecircId.Host:x})");
        output.WriteLine(megaflow.Key.RecircId.Host == 0 ? "bridge" : title);
        output.WriteLine(new string('-', megaflow.Key.RecircId.Host == 0 ? 6 : title.Length));
        FlowTextFormatter formatter = new();
        foreach (XlateStep step in result.Steps!)
        {
            string indent = new(' ', 4 * step.Depth);
            if (step.Rule is OfRule rule)
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{indent}{step.Table,2}. {Match(formatter, rule)}{step.Text}"));
            else
                output.WriteLine($"{indent}    {(step.Action is { } action ? formatter.Format(action) : step.Text)}");
        }
        if (result.Error is string error) output.WriteLine($"    >>>> {error}");
        output.WriteLine($"Megaflow: {DpFlowFormatter.FormatKey(megaflow.Key, megaflow.Mask)}{(isNew ? " (new)" : "")}");
        output.WriteLine($"Datapath actions: {DpFlowFormatter.FormatActions(megaflow.Actions)}");
    }

    private static string Match(FlowTextFormatter formatter, OfRule rule)
    {
        Match wanted = rule.Match;
        string match = formatter.Format(ref wanted);
        return match.Length == 0 ? "" : $"{match}, ";
    }
}
