namespace Mergeflow.Perf;

/// <summary>Loads a workload's groups and flows, and says in one line what is wrong with them.</summary>
public static class Rules
{
    /// <summary>Parses and applies groups, then flows.</summary>
    /// <exception cref="PerfException">The text cannot be parsed, or a rule is refused.</exception>
    public static void Load(Datapath datapath, Workload workload, long nowMs)
    {
        var parser = new FlowTextParser();
        IReadOnlyList<GroupMod> groups = [];
        Try("groups", workload.Groups, () => groups = parser.ParseGroups(workload.Groups, GroupModCommand.Add));
        for (int i = 0; i < groups.Count; i++) Try("groups", workload.Groups, () => datapath.ApplyGroupMod(groups[i], nowMs), i);
        Try(workload.FlowsName, workload.Flows, () => datapath.ApplyFlowMods(parser.ParseFlows(workload.Flows), nowMs));
    }

    /// <summary>One line per match that Open vSwitch would normalize, that is, widen.</summary>
    /// <exception cref="PerfException">The text cannot be parsed.</exception>
    public static IReadOnlyList<string> Warnings(string flowsName, string flows)
    {
        var found = new List<string>();
        Try(flowsName, flows, () => new FlowTextParser(warn: text => found.Add($"{flowsName} {text}")).ParseFlows(flows));
        return found;
    }

    private static void Try(string name, string text, Action action, int index = 0)
    {
        try
        {
            action();
        }
        catch (UnsupportedFeatureException e)
        {
            throw PerfException.MissingFeature($"{name}: {e}");
        }
        catch (FlowTextException e)
        {
            throw PerfException.BadInput($"{name}: {e}");
        }
        catch (FlowModException e)
        {
            throw PerfException.BadInput($"{name}: line {LineOf(text, index + e.Index)}: {e.Message}");
        }
    }

    /// <summary>Line of the modification with this index: only lines with text to parse count.</summary>
    private static int LineOf(string text, int index)
    {
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (FlowTextParser.HasText(lines[i]) && index-- == 0) return i + 1;
        }

        return lines.Length;
    }
}
