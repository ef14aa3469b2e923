using System.Globalization;
using System.Text.Json;

namespace Mergeflow.Cli;

/// <summary>A merged rule for people and for programs.</summary>
internal static class MergedFlowText
{
    /// <summary>Match and actions as Open vSwitch prints a datapath flow, then what the rule depends on.</summary>
    public static string Line(MergedFlow rule)
    {
        string reason = rule.Reason == OffloadReason.None ? "" : $", reason:{Reason(rule)}";
        string passes = string.Join("+", rule.Passes.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.MegaflowId}x{p.Multiplicity}")));
        string conns = string.Join("+", rule.Conns.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.ConnId}{(c.Reply ? "r" : "o")}")));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Key(rule)}, packets:{rule.Packets}, bytes:{rule.Bytes}, state:{rule.State}{reason}, {(rule.IsExact ? "exact" : "wildcard")}, megaflows:{passes}, conns:{(conns.Length == 0 ? "none" : conns)}, actions:{Actions(rule)}");
    }

    public static void WriteMembers(Utf8JsonWriter json, MergedFlow rule)
    {
        json.WriteNumber("id", rule.Id);
        json.WriteString("state", rule.State.ToString());
        if (rule.Reason != OffloadReason.None) json.WriteString("reason", Reason(rule));
        json.WriteString("match", Key(rule));
        json.WriteString("actions", Actions(rule));
        json.WriteBoolean("exact", rule.IsExact);
        json.WriteNumber("passes", rule.PassCount);
        json.WriteNumber("packets", rule.Packets);
        json.WriteNumber("bytes", rule.Bytes);
        json.WriteStartArray("megaflows");
        foreach (MergedPass pass in rule.Passes) json.WriteNumberValue(pass.MegaflowId);
        json.WriteEndArray();
        json.WriteStartArray("connections");
        foreach (MergedConn conn in rule.Conns) json.WriteNumberValue(conn.ConnId);
        json.WriteEndArray();
        json.WriteStartArray("ports");
        foreach (uint port in rule.Ports) json.WriteNumberValue(port);
        json.WriteEndArray();
        json.WriteNumber("active_at_ms", rule.Timeline.ActiveAtMs);
        json.WriteNumber("last_used_ms", rule.LastUsedMs);
    }

    /// <summary>Reason code, with the field or action it is about in parentheses.</summary>
    public static string Reason(OffloadReason reason, string? detail) => detail is null ? reason.ToString() : $"{reason}({detail})";

    private static string Reason(MergedFlow rule) => Reason(rule.Reason, rule.ReasonDetail);

    private static string Key(MergedFlow rule) => DpFlowFormatter.FormatKey(rule.Value, rule.Mask);

    private static string Actions(MergedFlow rule) => DpFlowFormatter.FormatActions(rule.Program);
}
