using System.CommandLine;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow dump-groups</c>: the groups after a replay, as <c>ovs-ofctl dump-groups</c> prints them.</summary>
internal static class DumpGroupsCommand
{
    public static Command Create(CancellationToken interrupted) =>
        ShowCommand.Create("dump-groups", "Replay, then print the groups.", interrupted, Show);

    private static void Show(ShowContext context)
    {
        FlowTextFormatter formatter = new();
        foreach (GroupMod group in context.Datapath.Pipeline.Groups)
        {
            string text = formatter.FormatWithoutCommand(group);
            if (context.IsJson)
            {
                context.WriteJson(json =>
                {
                    json.WriteNumber("group_id", group.GroupId);
                    json.WriteString("group", text);
                });
            }
            else
            {
                context.Output.WriteLine(text);
            }
        }
    }
}
