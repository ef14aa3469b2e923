namespace Mergeflow.Perf;

/// <summary>Loads a workload's groups and flows, and says in one line what is wrong with them.</summary>
public static class Rules
{
    /// <summary>Parses and applies groups, then flows.</summary>
    /// <exception cref="PerfException">The text cannot be parsed, or a rule is refused.</exception>
    public static void Load(Datapath datapath, Workload workload, long nowMs)
    {
        var parser = new FlowTextParser();
        Try("groups", workload.Groups, () =>
        {
            foreach (GroupMod mod in parser.ParseGroups(workload.Groups)) datapath.ApplyGroupMod(mod, nowMs);
        });
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

    private static void Try(string name, string text, Action action)
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
            throw PerfException.BadInput($"{name}: line {LineOf(text, e.Index)}: {e.Message}");
        }
    }

    /// <summary>Line of the modification with this index: blank lines and comments are none.</summary>
    private static int LineOf(string text, int index)
    {
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Split('#')[0].Trim().Length > 0 && index-- == 0) return i + 1;
        }

        return lines.Length;
    }
}
