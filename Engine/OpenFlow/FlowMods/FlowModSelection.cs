using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>Which rules a modification is about (OVS <c>rule_criteria</c>).</summary>
internal static class FlowModSelection
{
    /// <summary>Strict: same match and priority. Loose: every packet the rule matches, the modification's match matches too.</summary>
    public static bool Selects(this FlowMod mod, OfRule rule, bool strict)
    {
        if (mod.CookieMask != 0 && ((rule.Cookie ^ mod.Cookie) & mod.CookieMask) != 0) return false;
        if (mod.OutPort is { } port && !OutputsTo(rule.Actions, port)) return false;
        if (mod.OutGroup is { } group && !RefersTo(rule.Actions, group)) return false;
        if (strict) return rule.Priority == mod.Priority && Match.Same(in rule.Match, in mod.Match);
        for (int lane = 0; lane < PipelineFlow.LaneCount; lane++)
        {
            var mask = PipelineFlow.ReadLane(in mod.Match.Mask, lane);
            if ((PipelineFlow.ReadLane(in rule.Match.Mask, lane) & mask) != mask) return false;
            if ((PipelineFlow.ReadLane(in rule.Match.Value, lane) & mask) != PipelineFlow.ReadLane(in mod.Match.Value, lane)) return false;
        }

        return true;
    }

    private static bool OutputsTo(EquatableList<OfAction> actions, uint port) => actions.Any(a => a switch
    {
        OfOutput { MaxLengthBytes: 0 } o => o.Port == port,
        OfOutputSpecial o => (uint)o.Port == port && (o.MaxLengthBytes == 0 || o.Port == OfReservedPort.Controller),
        OfController => port == (uint)OfReservedPort.Controller,
        OfClone o => OutputsTo(o.Actions, port),
        OfWriteActions o => OutputsTo(o.Actions, port),
        _ => false,
    });

    /// <summary>The rule is there already and does not expire: to add it again changes nothing.</summary>
    public static bool IsAgain(this FlowMod rule, OfRule old)
        => (rule.NewCookie ?? 0) == old.Cookie && rule.Importance == old.Importance && (rule.Flags & RuleModifier.KeptFlags) == old.Flags && rule.Actions.Equals(old.Actions) && (rule.IdleTimeoutSeconds | rule.HardTimeoutSeconds | old.IdleTimeoutSeconds | old.HardTimeoutSeconds) == 0;

    /// <summary>Some rule of the same priority matches a packet that the new one matches too.</summary>
    public static bool Overlaps(this FlowMod mod, PrecedenceList rules)
    {
        foreach (OfRule rule in rules.From(RuleTable.FirstPrecedence(mod.Priority)))
        {
            if (rule.Priority != mod.Priority) return false;
            bool disjoint = false;
            for (int lane = 0; lane < PipelineFlow.LaneCount && !disjoint; lane++)
            {
                var both = PipelineFlow.ReadLane(in mod.Match.Mask, lane) & PipelineFlow.ReadLane(in rule.Match.Mask, lane);
                disjoint = (both & PipelineFlow.ReadLane(in mod.Match.Value, lane)) != (both & PipelineFlow.ReadLane(in rule.Match.Value, lane));
            }

            if (!disjoint) return true;
        }

        return false;
    }

    private static bool RefersTo(EquatableList<OfAction> actions, uint groupId) => RefersTo(actions, id => id == groupId);

    /// <summary>Some action leads to a group that is meant.</summary>
    public static bool RefersTo(EquatableList<OfAction> actions, Func<uint, bool> isMeant) => actions.Any(a => a switch
    {
        OfGroup g => isMeant(g.GroupId),
        OfClone c => RefersTo(c.Actions, isMeant),
        OfWriteActions w => RefersTo(w.Actions, isMeant),
        _ => false,
    });
}
