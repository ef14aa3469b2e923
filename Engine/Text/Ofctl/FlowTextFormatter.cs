using System.Globalization;
using System.Text;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>
/// Prints flows, rules, groups and actions as <c>ovs-ofctl dump-flows</c> and <c>dump-groups</c> do. What is printed for a
/// <see cref="FlowMod"/> or <see cref="GroupMod"/> parses back to the same value.
/// </summary>
public sealed partial class FlowTextFormatter
{
    private const ushort DefaultPriority = 0x8000;

    private readonly PortNames _ports;

    /// <summary>Port numbers are printed as names where <paramref name="ports"/> has one.</summary>
    public FlowTextFormatter(PortNames? ports = null) => _ports = ports ?? PortNames.None;

    /// <summary>One line of <c>dump-flows</c>, without the space that ovs-ofctl puts in front; <paramref name="nowMs"/> gives the ages.</summary>
    public string Format(OfRule rule, long nowMs)
    {
        var s = new StringBuilder();
        long ageMs = Math.Max(0, nowMs - rule.CreatedMs);
        long idleMs = Math.Max(0, nowMs - Math.Max(rule.LastUsedMs, rule.CreatedMs));
        s.Append($"cookie=0x{rule.Cookie:x}, duration={Seconds(ageMs)}s, table={rule.Table}, n_packets={rule.Packets}, n_bytes={rule.Bytes}, ");
        if (rule.IdleTimeoutSeconds != 0) s.Append($"idle_timeout={rule.IdleTimeoutSeconds}, ");
        if (rule.HardTimeoutSeconds != 0) s.Append($"hard_timeout={rule.HardTimeoutSeconds}, ");
        AppendFlags(s, rule);
        s.Append($"idle_age={idleMs / 1000}, ");
        long hardMs = Math.Max(0, nowMs - rule.ModifiedMs);
        if (hardMs / 1000 != ageMs / 1000) s.Append($"hard_age={hardMs / 1000}, ");
        AppendRule(s, rule);
        return s.ToString();
    }

    /// <summary>The rule alone, as <c>dump-flows --no-stats</c>: cookie if not 0, table if not 0, priority, match and actions.</summary>
    public string FormatWithoutStats(OfRule rule)
    {
        var s = new StringBuilder();
        if (rule.Cookie != 0) s.Append($"cookie=0x{rule.Cookie:x}, ");
        if (rule.Table != 0) s.Append($"table={rule.Table}, ");
        if (rule.IdleTimeoutSeconds != 0) s.Append($"idle_timeout={rule.IdleTimeoutSeconds}, ");
        if (rule.HardTimeoutSeconds != 0) s.Append($"hard_timeout={rule.HardTimeoutSeconds}, ");
        AppendFlags(s, rule);
        AppendRule(s, rule);
        return s.ToString();
    }

    /// <summary>The match, in OVS's order of fields; empty if it matches everything.</summary>
    public string Format(ref Match match)
    {
        var s = new StringBuilder();
        AppendMatch(s, ref match);
        Chomp(s);
        return s.ToString();
    }

    /// <summary>One action.</summary>
    public string Format(OfAction action)
    {
        var s = new StringBuilder();
        AppendAction(s, action);
        return s.ToString();
    }

    /// <summary>A <c>nat</c> by itself.</summary>
    public string Format(OfNat nat)
    {
        var s = new StringBuilder();
        AppendNat(s, nat);
        Chomp(s);
        return s.ToString();
    }

    /// <summary>What a field, or a part of it, holds (OVS <c>mf_format</c>, <c>ds_put_hex</c>).</summary>
    public string Format(Subfield range, UInt128 value)
        => range.BitCount == range.Field.BitCount ? FieldText.Format(range.Field, value, range.Field.MaxValue, _ports) : NumberText.Hex(value);

    /// <summary>The group as <c>dump-groups</c> prints it.</summary>
    public string FormatWithoutCommand(GroupMod group)
    {
        var s = new StringBuilder();
        s.Append(group.GroupId == FlowTextParser.AllGroups ? "group_id=all" : $"group_id={group.GroupId}");
        if (group.Command == GroupModCommand.Delete) return s.ToString();
        s.Append(",type=").Append(group.Type switch
        {
            GroupType.All => "all",
            GroupType.Select => "select",
            GroupType.Indirect => "indirect",
            _ => "ff",
        });
        if (group.SelectionMethod is not null)
        {
            s.Append($",selection_method={group.SelectionMethod}");
            if (group.SelectionParam != 0) s.Append($",selection_method_param={group.SelectionParam}");
            AppendHashFields(s, group);
        }

        foreach (GroupBucket bucket in group.Buckets) AppendBucket(s, bucket, group.Type);
        return s.ToString();
    }

    /// <summary>OVS <c>oxm_format_field_array</c>: parentheses only where they are needed.</summary>
    private void AppendHashFields(StringBuilder s, GroupMod group)
    {
        if (group.HashFields.Count == 0) return;
        s.Append(group.HashFields.Count == 1 ? ",fields=" : ",fields(");
        for (int i = 0; i < group.HashFields.Count; i++)
        {
            Field field = group.HashFields[i];
            s.Append(i > 0 ? "," : "").Append(field.Name);
            if (group.HashMasks is { } masks && masks[i] != field.MaxValue) s.Append('=').Append(FieldText.Format(field, masks[i], field.MaxValue, _ports));
        }

        if (group.HashFields.Count > 1) s.Append(')');
    }

    private void AppendBucket(StringBuilder s, GroupBucket bucket, GroupType type)
    {
        s.Append($",bucket=bucket_id:{bucket.BucketId}");
        if (bucket.Weight != (type == GroupType.Select ? 1 : 0)) s.Append($",weight:{bucket.Weight}");
        if (bucket.WatchPort is { } port) s.Append($",watch_port:{_ports.Format(port)}");
        if (bucket.WatchGroup is { } group) s.Append($",watch_group:{group}");
        AppendActions(s.Append(",actions="), bucket.Actions);
    }

    /// <summary>OVS <c>ofp_print_flow_flags</c>, and the importance.</summary>
    private static void AppendFlags(StringBuilder s, OfRule rule)
    {
        if (rule.Flags.HasFlag(FlowModFlags.SendFlowRemoved)) s.Append("send_flow_rem ");
        if (rule.Flags.HasFlag(FlowModFlags.NoPacketCounts)) s.Append("no_packet_counts ");
        if (rule.Flags.HasFlag(FlowModFlags.NoByteCounts)) s.Append("no_byte_counts ");
        if (rule.Importance != 0) s.Append($"importance={rule.Importance}, ");
    }

    private void AppendRule(StringBuilder s, OfRule rule)
    {
        int before = s.Length;
        if (rule.Priority != DefaultPriority) s.Append($"priority={rule.Priority},");
        Match match = rule.Match;
        AppendMatch(s, ref match);
        Chomp(s);
        if (s.Length != before) s.Append(' ');
        AppendActions(s.Append("actions="), rule.Actions);
    }

    private static void Chomp(StringBuilder s)
    {
        if (s.Length > 0 && s[^1] == ',') s.Length--;
    }

    private static string Seconds(long ms)
        => ms % 1000 == 0 ? (ms / 1000).ToString(CultureInfo.InvariantCulture) : (ms / 1000m).ToString("0.###", CultureInfo.InvariantCulture);
}
