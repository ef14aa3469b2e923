using System.CommandLine;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow dump-dp-flows</c>: the megaflows after a replay, as <c>ovs-appctl dpctl/dump-flows</c> prints them.</summary>
internal static class DumpDpFlowsCommand
{
    public static Command Create(CancellationToken interrupted)
    {
        Option<bool> more = new("--more", "-m") { Description = "All fields, the unique flow id, and whether a merged rule goes through the megaflow." };
        return ShowCommand.Create("dump-dp-flows", "Replay, then print the megaflows.", interrupted, context => Show(context, more), more);
    }

    private static void Show(ShowContext context, Option<bool> more)
    {
        bool isVerbose = context.Parsed.GetValue(more);
        foreach (MegaflowInfo flow in context.Datapath.DumpMegaflows(context.NowMs))
        {
            bool isOffloaded = context.Datapath.Offload is OffloadThread offload
                && offload.Report.HasActiveRule(flow.Id);
            if (!context.IsJson)
            {
                context.Output.WriteLine(DpFlowFormatter.FormatFlow(
                    flow.Key, flow.Mask, flow.Packets, flow.Bytes, flow.IdleMs, flow.TcpFlags, flow.Actions, null, isVerbose, flow.Ufid, isOffloaded));
                continue;
            }
            context.WriteJson(json =>
            {
                json.WriteString("ufid", flow.Ufid);
                json.WriteString("flow", DpFlowFormatter.FormatKey(flow.Key, flow.Mask, null, isVerbose));
                json.WriteNumber("packets", flow.Packets);
                json.WriteNumber("bytes", flow.Bytes);
                json.WriteString("actions", DpFlowFormatter.FormatActions(flow.Actions));
                json.WriteBoolean("offloaded", isOffloaded);
                json.WriteStartArray("cookies");
                foreach (ulong cookie in flow.Cookies) json.WriteStringValue(Cookie.Format(cookie));
                json.WriteEndArray();
            });
        }
    }
}
