using System.Globalization;
using System.Text.Json;

namespace Mergeflow.Cli;

/// <summary>When a merged rule entered its states, and what the steps took.</summary>
internal static class MergedTimelineText
{
    private const long UsPerMs = 1000;

    /// <summary>The steps that were reached, in order: name and time in us of the switch's clock.</summary>
    public static IEnumerable<(string Name, string Member, long AtUs)> Steps(MergedFlow rule)
    {
        MergedTimeline t = rule.Timeline;
        (string, string, long)[] all =
        [
            ("first packet traced", "traced", t.RecordedAtMs),
            ("merged", "merged", t.MergedAtMs),
            ("asked for", "installing", t.InstallingAtMs),
            ("installed", "active", t.ActiveAtMs),
            ("first hit", "first_hit", t.FirstHitAtMs),
            ("last hit", "last_hit", rule.Packets > 0 ? rule.LastUsedMs : -1),
            ("revoked", "dying", t.DyingAtMs),
            ("removed", "dead", t.DeadAtMs),
        ];
        return all.Where(static s => s.Item3 >= 0).Select(static s => (s.Item1, s.Item2, s.Item3 * UsPerMs));
    }

    /// <summary>What the steps took on this host, in us.</summary>
    public static IEnumerable<(string Name, string Member, double Us)> Costs(MergedFlow rule)
    {
        MergedClock c = rule.Clock;
        (string, string, double?)[] all =
        [
            ("queued for", "queued", MergedClock.Microseconds(c.QueuedTicks, c.BegunTicks)),
            ("merged in", "merge", MergedClock.Microseconds(c.BegunTicks, c.MergedTicks)),
            ("installed in", "install", MergedClock.Microseconds(c.MergedTicks, c.ConfirmedTicks)),
            ("removed in", "remove", MergedClock.Microseconds(c.RevokedTicks, c.GoneTicks)),
        ];
        return all.Where(static s => s.Item3 is not null).Select(static s => (s.Item1, s.Item2, s.Item3!.Value));
    }

    public static void Write(TextWriter output, MergedFlow rule)
    {
        string steps = string.Join(", ", Steps(rule).Select(static s => string.Create(CultureInfo.InvariantCulture, $"{s.Name} {s.AtUs} us")));
        output.WriteLine($"  timeline: {steps}");
        string costs = string.Join(", ", Costs(rule).Select(static s => string.Create(CultureInfo.InvariantCulture, $"{s.Name} {s.Us:F1} us")));
        if (costs.Length > 0) output.WriteLine($"  on this host: {costs}");
    }

    public static void WriteMembers(Utf8JsonWriter json, MergedFlow rule)
    {
        json.WriteStartObject("timeline_us");
        foreach ((_, string member, long us) in Steps(rule)) json.WriteNumber(member, us);
        json.WriteEndObject();
        json.WriteStartObject("took_us");
        foreach ((_, string member, double us) in Costs(rule)) json.WriteNumber(member, Math.Round(us, 1));
        json.WriteEndObject();
    }
}
