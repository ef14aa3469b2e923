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
    public static void WritePass(Translator translator, XlateResult result, FlowKey key, int lengthBytes, string why, long nowMs, TextWriter output)
    {
        translator.Translate(ref key, lengthBytes, result, nowMs);
        output.WriteLine();
        string title = key.RecircId.Host == 0 ? "bridge" : string.Create(CultureInfo.InvariantCulture, $"recirc(0x{key.RecircId.Host:x}){why}");
        output.WriteLine(title);
        output.WriteLine(new string('-', title.Length));
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
    }

    private static string Match(FlowTextFormatter formatter, OfRule rule)
    {
        Match wanted = rule.Match;
        string match = formatter.Format(ref wanted);
        return match.Length == 0 ? "" : $"{match}, ";
    }
}
