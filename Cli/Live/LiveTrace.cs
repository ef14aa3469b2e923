using System.Globalization;
using Mergeflow.Control.Tracing;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>The way of a packet that is not there through the tables of a running switch, pass by pass, as <c>ovs-appctl ofproto/trace</c> tells it.</summary>
internal static class LiveTrace
{
    private const int LengthBytes = 64;
    private const int MaxPasses = 64;

    /// <summary>Writes it.</summary>
    /// <param name="inside">The switch.</param>
    /// <param name="match">Fields of the packet; others are zero.</param>
    /// <param name="next">What each <c>ct</c> finds, in the order of the passes; when they are used up, a new connection.</param>
    public static int Write(LiveInvocation inside, string match, IReadOnlyList<string> next)
    {
        CtState[] states = [.. next.Select(StateOf)];
        WritePasses(inside.Switch.Datapath, Parse(inside, match), states, inside.Output);
        return ExitCode.Ok;
    }

    private static void WritePasses(Datapath datapath, FlowKey key, CtState[] states, TextWriter output)
    {
        output.WriteLine($"Flow: {FlowKeyFormatter.Format(key)}");
        using Translator translator = new(datapath.Pipeline, datapath.Recirc) { Learns = false };
        Queue<(FlowKey Key, string Why)> passes = new([(key, "")]);
        int found = 0, written = 0;

        // What a pass refers to is kept until the last one has been told.
        List<XlateResult> results = [];
        try
        {
            while (written++ < MaxPasses && passes.TryDequeue(out (FlowKey Key, string Why) pass))
            {
                XlateResult result = new() { Steps = [] };
                results.Add(result);
                FlowKey packet = pass.Key;
                translator.Translate(ref packet, LengthBytes, result, ProcessClock.NowMs);
                output.WriteLine();
                TranslationText.WriteTitle(packet.RecircId.Host == 0 ? "bridge" : string.Create(CultureInfo.InvariantCulture, $"recirc(0x{packet.RecircId.Host:x}){pass.Why}"), output);
                TranslationText.WriteSteps(result.Steps, new FlowTextFormatter(), output);
                if (result.Error is string error) output.WriteLine($"Translation failed ({error}), packet is dropped.");
                DpAction[] actions = result.Actions.ToArray();
                output.WriteLine($"Megaflow: {DpFlowFormatter.FormatKey(pass.Key, result.Mask)}");
                output.WriteLine($"Datapath actions: {DpFlowFormatter.FormatActions(actions)}");
                bool tracked = false, rewritten = false;
                foreach (DpAction action in actions)
                {
                    tracked |= action.Op == DpOp.Ct;
                    if (action.Op is not (DpOp.Ct or DpOp.Recirc or DpOp.Output or DpOp.Meter) && !rewritten)
                    {
                        rewritten = true;
                        output.WriteLine("(what a later pass sees of a header that is rewritten here is not followed)");
                    }

                    if (action.Op != DpOp.Recirc) continue;
                    FlowKey resumed = pass.Key;
                    resumed.RecircId = Native.Be32.FromHost(action.RecircId);
                    if (tracked) resumed.CtState = found < states.Length ? states[found] : CtState.Trk | CtState.New;
                    if (tracked) found++;
                    passes.Enqueue((resumed, tracked ? $": ct finds {Text(resumed.CtState)}" : ""));
                }
            }
        }
        finally
        {
            foreach (XlateResult result in results) result.Dispose();
        }
    }

    private static string Text(CtState state) => string.Join('|', new[] { CtState.New, CtState.Est, CtState.Rel, CtState.Rpl, CtState.Inv, CtState.Trk, CtState.SNat, CtState.DNat }.Where(s => (state & s) != 0).Select(static s => s.ToString().ToLowerInvariant()));

    /// <summary>Reads words between bars.</summary>
    private static CtState StateOf(string text)
    {
        CtState state = CtState.None;
        foreach (string word in text.Split('|', ','))
        {
            if (!Enum.TryParse(word, ignoreCase: true, out CtState one) || char.IsDigit(word[0])) CommandFailedException.ThrowUsage($"--ct-next: '{word}' is none of new, est, rel, rpl, inv, trk, snat, dnat");
            state |= one;
        }

        return state;
    }

    private static FlowKey Parse(LiveInvocation inside, string match)
    {
        try
        {
            return RuleText.Parser(inside.Switch.Specs).ParseFlow($"{match}{(match.Length == 0 ? "" : ",")}actions=drop").Match.Value.Key;
        }
        catch (FlowTextException e)
        {
            throw new CommandFailedException(ExitCode.Usage, string.Create(CultureInfo.InvariantCulture, $"--flow: column {e.Column}: {e.Message}"));
        }
    }
}
