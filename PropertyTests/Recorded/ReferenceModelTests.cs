using System.Globalization;
using System.Text.Json;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>The reference models answer every recorded case as Open vSwitch did: that is what makes them fit to judge the engine.</summary>
public sealed class ReferenceModelTests(ITestOutputHelper output)
{
    public static TheoryData<string> Cases =>
    [
        "acl", "ct_firewall", "ct_firewall__noseq", "ct_timeouts", "ct_zone_mark_label", "ct_zone_mark_label__noseq", "flow_mods", "flow_mods__noseq",
        "frags_noct", "fuzz_ct_1", "fuzz_ct_2", "fuzz_ct_3", "fuzz_ct_4", "fuzz_ct_4__noseq", "fuzz_stateless_1", "fuzz_stateless_2", "fuzz_stateless_3",
        "fuzz_stateless_4", "groups", "groups__noseq", "ipv6_ct_nat", "ipv6_ct_nat__noseq", "l2_vlan", "l3_router", "malformed", "nat_dnat_lb", "nat_snat",
        "nat_snat__noseq", "ovn_like", "ovn_like__noseq", "recirc_chain", "recirc_chain__noseq", "rewrite",
    ];

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_model_answers_as_recorded(string name)
    {
        var recorded = new RecordedCase(name);
        var conntrack = new ReferenceConntrack(recorded.ChecksSequence, recorded.MinFragmentV4, recorded.MinFragmentV6);
        var model = new ReferenceSwitch(recorded.Ports.Values, conntrack) { DamagesLaterFragments = true, LeavesAtomicChecksums = true };
        foreach (GroupMod group in recorded.Groups()) model.Tables.Apply(group);
        foreach (FlowMod flow in recorded.Flows()) model.Tables.Apply(flow);

        Dictionary<long, List<string>> answers = recorded.Answers(), newer = recorded.Answers(newer: true);
        List<string> faults = [];
        var quirks = new RecordedQuirks();
        int packets = 0;
        foreach (JsonElement e in recorded.Events())
        {
            model.NowMs = e.GetProperty("t").GetInt64();
            IReadOnlyList<(uint Port, byte[] Frame)> sent = Play(model, e, recorded.Parser());
            long index = e.GetProperty("i").GetInt64();
            packets++;
            List<string> got = RecordedCase.PerPort(sent.Select(o => (o.Port, Convert.ToHexStringLower(o.Frame))));
            bool same = answers[index].SequenceEqual(got) || (newer.TryGetValue(index, out List<string>? alternative) && alternative.SequenceEqual(got));
            bool stale = name == "l2_vlan" && IsStale(quirks, e, answers[index].Count == 0);
            if (!same && stale) quirks.CountStaleDrop();
            else if (!same) faults.Add($"event {index} {e.GetRawText()}:\n  recorded {string.Join(' ', answers[index])}\n  model    {string.Join(' ', got)}");
        }

        faults.AddRange(CounterFaults(name, recorded, model));
        output.WriteLine($"{packets} events, {model.Tables.Rules.Count} rules, {conntrack.Connections(model.NowMs).Count()} connections, {quirks.StaleDropCount} stale; {conntrack.Ambiguity}");
        foreach (string fault in faults.Take(8)) output.WriteLine(fault);
        Assert.True(faults.Count == 0, $"{faults.Count} faults of {packets}:\n{string.Join('\n', faults.Take(5))}");
    }

    private static bool IsStale(RecordedQuirks quirks, JsonElement e, bool recordedNothing)
        => quirks.IsStaleDrop(e.GetProperty("port").GetUInt32(), Convert.FromHexString(e.GetProperty("hex").GetString()!), recordedNothing);

    private static IReadOnlyList<(uint Port, byte[] Frame)> Play(ReferenceSwitch model, JsonElement e, FlowTextParser parser)
    {
        switch (e.TryGetProperty("op", out JsonElement op) ? op.GetString() : "pkt")
        {
            case "pkt":
                return model.Receive(e.GetProperty("port").GetUInt32(), Convert.FromHexString(e.GetProperty("hex").GetString()!));
            case "flow_mods":
                foreach (JsonElement line in e.GetProperty("lines").EnumerateArray()) model.Tables.Apply(parser.ParseFlow(line.GetString()!));
                break;
            case "group_mods":
                model.Tables.Apply(parser.ParseGroup(e.GetProperty("line").GetString()!));
                break;
            case "ct_flush":
                model.Conntrack.Flush(e.TryGetProperty("zone", out JsonElement zone) ? zone.GetInt32() : null);
                break;
        }

        return [];
    }

    private static List<string> CounterFaults(string name, RecordedCase recorded, ReferenceSwitch model)
    {
        List<string> faults = Compare(name, recorded.Final()!.Value, model);
        if (faults.Count == 0 || recorded.Final(newer: true) is not { } newer) return faults;
        List<string> other = Compare(name, newer, model);
        return other.Count < faults.Count ? other : faults;
    }

    private static List<string> Compare(string name, JsonElement final, ReferenceSwitch model)
    {
        List<string> faults = [];
        foreach (JsonProperty rule in final.GetProperty("rules").EnumerateObject())
        {
            ulong cookie = ulong.Parse(rule.Name.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            ulong want = rule.Value.GetProperty("n_packets").GetUInt64();
            ulong have = model.Tables.Rules.Where(r => r.Cookie == cookie).Aggregate(0UL, (sum, r) => sum + r.Packets);
            if (want != have && !RecordedQuirks.IsCounterExempt(name, rule.Name)) faults.Add($"rule {rule.Name}: recorded {want} packets, model {have}");
        }

        int wanted = final.GetProperty("conntrack").GetArrayLength(), got = model.Conntrack.Connections(model.NowMs).Count();
        if (wanted != got) faults.Add($"connections: recorded {wanted}, model {got}");
        return faults;
    }
}
