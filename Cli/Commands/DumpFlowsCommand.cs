using System.CommandLine;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow dump-flows</c>: the OpenFlow rules after a replay, as <c>ovs-ofctl dump-flows</c> prints them.</summary>
internal static class DumpFlowsCommand
{
    public static Command Create(CancellationToken interrupted) =>
        ShowCommand.Create("dump-flows", "Replay, then print the OpenFlow rules with their counters.", interrupted, Show);

    private static void Show(ShowContext context)
    {
        FlowTextFormatter formatter = new();
        foreach (OfRule rule in context.Report.Rules)
        {
            if (!context.IsJson)
            {
                context.Output.WriteLine(formatter.Format(rule, context.NowMs));
                continue;
            }
            context.WriteJson(json =>
            {
                json.WriteString("cookie", Cookie.Format(rule.Cookie));
                json.WriteNumber("table", rule.Table);
                json.WriteNumber("priority", rule.Priority);
                json.WriteNumber("n_packets", rule.Packets);
                json.WriteNumber("n_bytes", rule.Bytes);
                json.WriteString("flow", formatter.FormatWithoutStats(rule));
            });
        }
    }
}
