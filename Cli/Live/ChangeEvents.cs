using System.Globalization;
using System.Text.Json;

namespace Mergeflow.Cli;

/// <summary>Changes of a running switch as events of a case, which <c>replay</c> carries out at their time.</summary>
internal static class ChangeEvents
{
    /// <summary>What stands behind <c>"i"</c> and <c>"t"</c> of each event that repeats a change, in order: what is referred to comes first and goes last.</summary>
    public static IEnumerable<string> Of(SwitchChange change) => change switch
    {
        TablesChange t => OfTables(t),
        PortChange p => [string.Create(CultureInfo.InvariantCulture, $"\"op\":\"{NameOf(p.News)}\",\"port\":{p.Port}")],
        FlushChange { Zone: ushort zone } => [string.Create(CultureInfo.InvariantCulture, $"\"op\":\"ct_flush\",\"zone\":{zone}")],
        FlushChange => ["\"op\":\"ct_flush\""],
        _ => throw new ArgumentException($"no event repeats {change.GetType().Name}", nameof(change)),
    };

    private static IEnumerable<string> OfTables(TablesChange change)
    {
        FlowTextFormatter formatter = new();
        HashSet<uint> meters = [.. change.MetersGone.Select(static m => m.MeterId)];
        foreach (MeterMod meter in change.MetersCome)
            yield return Lines("meter_mods", [FlowTextFormatter.Format(meter with { Command = meters.Remove(meter.MeterId) ? MeterModCommand.Modify : MeterModCommand.Add })]);
        HashSet<uint> groups = [.. change.GroupsGone.Select(static g => g.GroupId)];
        foreach (GroupMod group in change.GroupsCome)
        {
            groups.Remove(group.GroupId);
            yield return $"\"op\":\"group_mods\",\"line\":{Quote(formatter.Format(group with { Command = GroupModCommand.AddOrModify }))}";
        }

        HashSet<string> come = [.. change.Come.Select(r => formatter.Format(Mod(r, FlowModCommand.DeleteStrict)))];
        string[] lines =
        [
            .. change.Gone.Select(r => formatter.Format(Mod(r, FlowModCommand.DeleteStrict))).Where(l => !come.Contains(l)),
            .. change.Come.Select(r => formatter.Format(Mod(r, FlowModCommand.Add))),
        ];
        if (lines.Length > 0) yield return Lines("flow_mods", lines);
        foreach (uint group in groups.Order()) yield return $"\"op\":\"group_mods\",\"line\":\"delete group_id={group.ToString(CultureInfo.InvariantCulture)}\"";
        foreach (uint meter in meters.Order()) yield return Lines("meter_mods", [$"delete meter={meter.ToString(CultureInfo.InvariantCulture)}"]);
    }

    private static FlowMod Mod(OfRule rule, FlowModCommand command) => new()
    {
        Command = command,
        Table = rule.Table,
        Priority = rule.Priority,
        Cookie = command == FlowModCommand.Add ? rule.Cookie : 0,
        NewCookie = command == FlowModCommand.Add && rule.Cookie != 0 ? rule.Cookie : null,
        IdleTimeoutSeconds = command == FlowModCommand.Add ? rule.IdleTimeoutSeconds : (ushort)0,
        HardTimeoutSeconds = command == FlowModCommand.Add ? rule.HardTimeoutSeconds : (ushort)0,
        Importance = command == FlowModCommand.Add ? rule.Importance : (ushort)0,
        Flags = command == FlowModCommand.Add ? rule.Flags : default,
        Match = rule.Match,
        Actions = command == FlowModCommand.Add ? rule.Actions : EquatableList<OfAction>.Empty,
    };

    private static string NameOf(PortNews news) => news switch
    {
        PortNews.Down => "port_down",
        PortNews.Up => "port_up",
        PortNews.Gone => "port_del",
        _ => "port_add",
    };

    private static string Lines(string op, string[] lines) => $"\"op\":\"{op}\",\"lines\":[{string.Join(',', lines.Select(Quote))}]";

    private static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, CliJson.Encoder)}\"";
}
