using System.CommandLine;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow dump-conntrack</c>: the connections after a replay, as <c>ovs-appctl dpctl/dump-conntrack</c> prints them.</summary>
internal static class DumpConntrackCommand
{
    public static Command Create(CancellationToken interrupted)
    {
        Option<bool> statistics = new("--statistics", "-s") { Description = "With packets, bytes and the seconds that are left." };
        return ShowCommand.Create("dump-conntrack", "Replay, then print the connections.", interrupted, context => Show(context, statistics), statistics);
    }

    private static void Show(ShowContext context, Option<bool> statistics)
    {
        bool withStatistics = context.Parsed.GetValue(statistics);
        foreach (ConnInfo connection in context.Report.Connections)
        {
            if (context.IsJson) context.WriteJson(json => FinalLine.WriteMembers(json, connection));
            else context.Output.WriteLine(ConnectionText.Line(connection, withStatistics));
        }
    }
}
