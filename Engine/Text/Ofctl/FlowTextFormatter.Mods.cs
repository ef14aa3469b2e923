using System.Text;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <content>Modifications: a line each, command first.</content>
public sealed partial class FlowTextFormatter
{
    /// <summary>One line that <see cref="FlowTextParser.ParseMeters(string)"/> reads back, command first.</summary>
    public static string Format(MeterMod meter) => meter.Command switch
    {
        MeterModCommand.Delete => meter.MeterId == OfPipeline.AllMeters ? "delete meter=all" : $"delete meter={meter.MeterId}",
        MeterModCommand.Modify => $"modify {FormatWithoutCommand(meter).Replace('\n', ' ')}",
        _ => $"add {FormatWithoutCommand(meter).Replace('\n', ' ')}",
    };

    /// <summary>One line that <see cref="FlowTextParser.ParseFlow(string, int, FlowModCommand)"/> reads back, command first.</summary>
    public string Format(FlowMod flow)
    {
        var s = new StringBuilder();
        s.Append(flow.Command switch
        {
            FlowModCommand.Add => "add ",
            FlowModCommand.Modify => "modify ",
            FlowModCommand.ModifyStrict => "modify_strict ",
            FlowModCommand.Delete => "delete ",
            _ => "delete_strict ",
        });
        bool isDelete = flow.Command is FlowModCommand.Delete or FlowModCommand.DeleteStrict;
        if (flow.CookieMask != 0) s.Append($"cookie=0x{flow.Cookie:x}/0x{flow.CookieMask:x},");
        ulong? cookie = flow.NewCookie ?? (flow.Command == FlowModCommand.Add && flow.Cookie != 0 ? flow.Cookie : null);
        if (!isDelete && cookie is { } c) s.Append($"cookie=0x{c:x},");
        if (flow.Table is { } table) s.Append($"table={table},");
        if (flow.IdleTimeoutSeconds != 0) s.Append($"idle_timeout={flow.IdleTimeoutSeconds},");
        if (flow.HardTimeoutSeconds != 0) s.Append($"hard_timeout={flow.HardTimeoutSeconds},");
        if (flow.Importance != 0) s.Append($"importance={flow.Importance},");
        AppendFlags(s, flow.Flags);
        if (flow.OutPort is { } port) s.Append($"out_port={_ports.Format(port)},");
        if (flow.OutGroup is { } group) s.Append($"out_group={group},");
        if (flow.Command != FlowModCommand.Delete && flow.Priority != DefaultPriority) s.Append($"priority={flow.Priority},");
        AppendMatch(s, ref flow.Match);
        Chomp(s);
        if (isDelete) return s.ToString();
        if (s[^1] != ' ') s.Append(' ');
        return AppendActions(s.Append("actions="), flow.Actions).ToString();
    }

    /// <summary>One line that <see cref="FlowTextParser.ParseGroup(string, int, GroupModCommand)"/> reads back, command first.</summary>
    public string Format(GroupMod group)
    {
        string command = group.Command switch
        {
            GroupModCommand.Add => "add",
            GroupModCommand.Modify => "modify",
            GroupModCommand.Delete => "delete",
            _ => "add_or_mod",
        };
        return $"{command} {FormatWithoutCommand(group)}";
    }

    private static void AppendFlags(StringBuilder s, FlowModFlags flags)
    {
        if (flags.HasFlag(FlowModFlags.SendFlowRemoved)) s.Append("send_flow_rem,");
        if (flags.HasFlag(FlowModFlags.CheckOverlap)) s.Append("check_overlap,");
        if (flags.HasFlag(FlowModFlags.ResetCounts)) s.Append("reset_counts,");
        if (flags.HasFlag(FlowModFlags.NoPacketCounts)) s.Append("no_packet_counts,");
        if (flags.HasFlag(FlowModFlags.NoByteCounts)) s.Append("no_byte_counts,");
    }
}
