using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>The last lines of <c>mergeflow trace</c>: what the offload makes of the packet.</summary>
internal static class MergeVerdictText
{
    /// <summary>Replays up to the packet, and says what has become of it.</summary>
    public static void Write(ReplayArguments arguments, long index, TextWriter output, CancellationToken interrupted)
    {
        using ReplaySession session = new(arguments, Stream.Null);
        while (session.Read())
        {
            interrupted.ThrowIfCancellationRequested();
            session.Synchronize();
            if (session.Event.Index != index)
            {
                session.Execute();
                continue;
            }

            session.Drain();
            session.Simulator.Datapath.Offload!.Settle(session.Simulator.NowMs);
            session.Fates!.Forget();
            session.Execute();
            session.Drain();
            session.Simulator.Datapath.Offload.Settle(session.Simulator.NowMs);
            Write(session, $"offload {arguments.Offload.ToString().ToLowerInvariant()}", output);
            return;
        }
    }

    private static void Write(ReplaySession session, string where, TextWriter output)
    {
        FlowKey key = session.KeyOfEvent();
        MergedFlow? rule = session.Simulator.Datapath.Offload!.Report.Explain(key).Live.FirstOrDefault(r => Takes(r, ref key));
        switch (session.Fates!.Last)
        {
            case null:
                output.WriteLine($"Merge ({where}): took a merged rule{(rule is null ? "" : $": {MergedFlowText.Line(rule)}")}");
                break;
            case { Reason: OffloadReason.None }:
                output.WriteLine($"Merge ({where}): made a rule{(rule is null ? "" : $": {MergedFlowText.Line(rule)}")}");
                break;
            case { } refusal:
                string pass = refusal.Pass < 0 ? " (from an earlier packet of the flow)" : string.Create(CultureInfo.InvariantCulture, $" in pass {refusal.Pass}");
                output.WriteLine($"Merge ({where}): no rule: {MergedFlowText.Reason(refusal.Reason, refusal.Detail)}{pass}");
                output.WriteLine($"  {ReasonText.Sentence(refusal.Reason)}");
                output.WriteLine($"  What helps: {ReasonText.Hint(refusal.Reason, refusal.Detail)}");
                break;
        }
    }

    private static bool Takes(MergedFlow rule, ref FlowKey key)
    {
        FlowKey wanted = default;
        FlowKey.And(ref rule.Value, ref rule.Mask, ref wanted);
        return FlowKey.Matches(ref key, ref rule.Mask, ref wanted);
    }
}
