using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>Text of flows, groups and meters for a switch that runs: all of a text holds, or nothing of it.</summary>
internal static class RuleText
{
    /// <summary>Reads flows in which ports have their names.</summary>
    public static FlowTextParser Parser(IEnumerable<PortSpec> ports, Action<string>? warn = null)
        => new(new PortNames(ports.ToDictionary(static p => p.Name, static p => p.Number)), warn);

    /// <summary>Applies lines of flows.</summary>
    /// <returns>How many there were.</returns>
    public static int ApplyFlows(RunningSwitch live, string name, string text, FlowModCommand command, Action<string> warn)
    {
        ControlText place = ControlText.OfFile(name, text);
        IReadOnlyList<FlowMod> mods = [];
        place.Run(() => mods = Parser(live.Specs, warn).ParseFlows(text, command));
        place.Run(() => live.Note(live.Datapath.ApplyFlowMods(mods, live.NowMs)));
        return mods.Count;
    }

    /// <summary>Applies lines of groups.</summary>
    public static int ApplyGroups(RunningSwitch live, string name, string text)
    {
        ControlText place = ControlText.OfFile(name, text);
        IReadOnlyList<GroupMod> mods = [];
        place.Run(() => mods = Parser(live.Specs).ParseGroups(text, GroupModCommand.Add));
        place.Run(() => live.Note(live.Datapath.ApplyChanges([.. mods], live.NowMs)));
        return mods.Count;
    }

    /// <summary>Applies lines of meters.</summary>
    public static int ApplyMeters(RunningSwitch live, string name, string text)
    {
        ControlText place = ControlText.OfFile(name, text);
        IReadOnlyList<MeterMod> mods = [];
        place.Run(() => mods = FlowTextParser.ParseMeters(text));
        place.Run(() => live.Note(live.Datapath.ApplyMeterMods(mods, live.NowMs)));
        return mods.Count;
    }

    /// <summary>Makes the tables of a switch those of another pipeline; what is the same in both stays as it is, with its counters.</summary>
    /// <returns>What has changed, for people.</returns>
    public static string Replace(RunningSwitch live, OfPipeline wanted)
    {
        OfPipeline current = live.Datapath.Pipeline;
        FlowTextFormatter formatter = new();
        Dictionary<string, OfRule> now = Lines(current), then = Lines(wanted);
        Dictionary<uint, string> groups = current.Groups.ToDictionary(static g => g.GroupId, formatter.FormatWithoutCommand);
        HashSet<uint> wantedGroups = [.. wanted.Groups.Select(static g => g.GroupId)];
        Dictionary<uint, MeterMod> meters = current.Meters.ToDictionary(static m => m.Mod.MeterId, static m => m.Mod);

        // What rules refer to comes first and goes last.
        foreach (MeterMod meter in wanted.Meters.Select(static m => m.Mod))
        {
            bool isThere = meters.Remove(meter.MeterId, out MeterMod? old);
            if (!isThere || FlowTextFormatter.FormatWithoutCommand(old!) != FlowTextFormatter.FormatWithoutCommand(meter))
                live.Note(live.Datapath.ApplyMeterMod(meter with { Command = isThere ? MeterModCommand.Modify : MeterModCommand.Add }, live.NowMs));
        }

        foreach (GroupMod group in wanted.Groups.Where(g => !groups.TryGetValue(g.GroupId, out string? old) || old != formatter.FormatWithoutCommand(g)))
            live.Note(live.Datapath.ApplyGroupMod(group with { Command = GroupModCommand.AddOrModify }, live.NowMs));

        FlowMod[] removed = [.. now.Where(r => !then.ContainsKey(r.Key)).Select(static r => ModOf(r.Value, FlowModCommand.DeleteStrict))];
        FlowMod[] added = [.. then.Where(r => !now.ContainsKey(r.Key)).Select(static r => ModOf(r.Value, FlowModCommand.Add))];
        if (removed.Length + added.Length > 0) live.Note(live.Datapath.ApplyFlowMods([.. removed, .. added], live.NowMs));
        foreach (uint group in groups.Keys.Where(g => !wantedGroups.Contains(g)))
            live.Note(live.Datapath.ApplyGroupMod(current.Groups.First(g => g.GroupId == group) with { Command = GroupModCommand.Delete }, live.NowMs));
        foreach (MeterMod meter in meters.Values) live.Note(live.Datapath.ApplyMeterMod(meter with { Command = MeterModCommand.Delete }, live.NowMs));
        return string.Create(CultureInfo.InvariantCulture, $"{then.Count} flows, {added.Length} of them new, {removed.Length} gone");

        Dictionary<string, OfRule> Lines(OfPipeline tables) => tables.Rules.ToDictionary(formatter.FormatWithoutStats);
    }

    private static FlowMod ModOf(OfRule rule, FlowModCommand command) => new()
    {
        Command = command,
        Table = rule.Table,
        Priority = rule.Priority,
        NewCookie = command == FlowModCommand.Add ? rule.Cookie : null,
        IdleTimeoutSeconds = rule.IdleTimeoutSeconds,
        HardTimeoutSeconds = rule.HardTimeoutSeconds,
        Match = rule.Match,
        Actions = rule.Actions,
    };
}
