using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The judge accepts the recorded answers, and catches an answer in which one thing is wrong.</summary>
public sealed class ConformanceJudgeTests
{
    public static TheoryData<string> ExactCases => [.. CaseFiles.Names.Where(n => CaseFiles.Load(n).Check == "exact")];

    [Theory]
    [MemberData(nameof(ExactCases))]
    public void The_recorded_answer_is_right(string name) =>
        Assert.Empty(ConformanceJudge.Judge(CaseFiles.Load(name), Recorded(name, (_, _) => { }, _ => { })));

    [Fact]
    public void Another_byte_is_caught() => AssertCaught("acl", "event", mutateEvent: (_, outputs) =>
    {
        if (outputs.Count > 0) outputs[0]![1] = "ff" + outputs[0]![1]!.GetValue<string>()[2..];
    });

    [Fact]
    public void Another_port_is_caught() => AssertCaught("acl", "event", mutateEvent: (_, outputs) =>
    {
        if (outputs.Count > 0) outputs[0]![0] = 99;
    });

    [Fact]
    public void A_lost_packet_is_caught() => AssertCaught("acl", "event", mutateEvent: (_, outputs) => outputs.Clear());

    [Fact]
    public void A_second_copy_is_caught() => AssertCaught("acl", "event", mutateEvent: (_, outputs) =>
    {
        if (outputs.Count > 0) outputs.Add(outputs[0]!.DeepClone());
    });

    [Fact]
    public void A_swap_within_a_port_is_caught()
    {
        bool swapped = false;
        AssertCaught("frags_ct", "event", mutateEvent: (_, outputs) =>
        {
            if (outputs.Count < 2 || outputs[0]!.ToJsonString() == outputs[1]!.ToJsonString()) return;
            if (outputs[0]![0]!.GetValue<int>() != outputs[1]![0]!.GetValue<int>()) return;
            JsonNode first = outputs[0]!.DeepClone();
            outputs.RemoveAt(0);
            outputs.Insert(1, first);
            swapped = true;
        });
        Assert.True(swapped, "the case has no event with two packets on one port");
    }

    [Fact]
    public void A_wrong_counter_is_caught() => AssertCaught("ct_firewall", "rule cookie", mutateFinal: final =>
        final["rules"]!.AsObject().First().Value!["n_packets"] = 4711);

    [Fact]
    public void A_missing_rule_is_caught() => AssertCaught("ct_firewall", "rule cookie", mutateFinal: final =>
        final["rules"] = new JsonObject());

    [Fact]
    public void A_missing_connection_is_caught() => AssertCaught("ct_firewall", "conntrack missing", mutateFinal: final =>
        final["conntrack"]!.AsArray().RemoveAt(0));

    [Fact]
    public void A_connection_too_many_is_caught() => AssertCaught("ct_firewall", "conntrack extra", mutateFinal: final =>
        final["conntrack"]!.AsArray().Add(final["conntrack"]![0]!.DeepClone()));

    [Fact]
    public void A_wrong_timeout_is_caught() => AssertCaught("ct_firewall", "conntrack timeout", mutateFinal: final =>
        final["conntrack"]![0]!["timeout"] = "999999");

    [Fact]
    public void A_wrong_mark_is_caught() => AssertCaught("ct_zone_mark_label", "conntrack missing", mutateFinal: final =>
        final["conntrack"]!.AsArray().First(c => c!["mark"] is not null)!["mark"] = "123456");

    [Fact]
    public void A_missing_event_is_caught()
    {
        ReplayedOutput output = Recorded("acl", (_, _) => { }, _ => { });
        output.Events.Remove(7);
        Assert.Equal("event 7: no result line", Assert.Single(ConformanceJudge.Judge(CaseFiles.Load("acl"), output)));
    }

    [Fact]
    public void A_missing_final_line_is_caught() =>
        Assert.Contains("no final line", ConformanceJudge.Judge(CaseFiles.Load("acl"), new ReplayedOutput()));

    [Fact]
    public void A_recorded_bucket_choice_keeps_flows_together() =>
        Assert.Empty(ConformanceJudge.Judge(CaseFiles.Load("select_group"), Recorded("select_group", (_, _) => { }, _ => { })));

    [Fact]
    public void A_flow_that_moves_between_buckets_is_caught() => AssertCaught("select_group", "moved from", mutateEvent: (index, outputs) =>
    {
        if (index % 2 == 0 && outputs.Count == 1) outputs[0]![0] = outputs[0]![0]!.GetValue<int>() == 3 ? 5 : 3;
    });

    [Fact]
    public void A_bucket_of_weight_zero_is_caught() => AssertCaught("select_group", "weight 0", mutateEvent: (_, outputs) => outputs[0]![0] = 2);

    [Fact]
    public void A_recorded_range_choice_is_right() =>
        Assert.Empty(ConformanceJudge.Judge(CaseFiles.Load("nat_range"), Recorded("nat_range", (_, _) => { }, _ => { })));

    [Fact]
    public void A_mapping_outside_the_range_is_caught()
    {
        ConformanceCase @case = CaseFiles.Load("nat_range");
        AssertCaught("nat_range", "outside the range", mutateEvent: (index, outputs) => outputs[0]![1] = @case.Events[(int)index].Hex);
    }

    [Fact]
    public void A_mapping_that_is_shared_is_caught()
    {
        string? first = null;
        AssertCaught("nat_range", "shared by", mutateEvent: (_, outputs) => outputs[0]![1] = first ??= outputs[0]![1]!.GetValue<string>());
    }

    private static void AssertCaught(string name, string fault, Action<long, JsonArray>? mutateEvent = null, Action<JsonNode>? mutateFinal = null)
    {
        ReplayedOutput output = Recorded(name, mutateEvent ?? ((_, _) => { }), mutateFinal ?? (_ => { }));
        Assert.Contains(ConformanceJudge.Judge(CaseFiles.Load(name), output), f => f.Contains(fault, StringComparison.Ordinal));
    }

    /// <summary>The recorded answer in the form of a replay's output, changed on the way.</summary>
    private static ReplayedOutput Recorded(string name, Action<long, JsonArray> mutateEvent, Action<JsonNode> mutateFinal)
    {
        ConformanceCase @case = CaseFiles.Load(name);
        StringBuilder text = new();
        using StreamReader reader = new(@case.Open("expected.jsonl.gz")!);
        while (reader.ReadLine() is string line)
        {
            JsonNode node = JsonNode.Parse(line)!;
            mutateEvent(node["i"]!.GetValue<long>(), node["out"]!.AsArray());
            text.AppendLine(node.ToJsonString());
        }
        JsonElement final = @case.ReadJson("final.json.gz")!.Value;
        JsonNode mutated = JsonNode.Parse(final.GetRawText())!;
        mutateFinal(mutated);
        text.AppendLine(new JsonObject { ["final"] = mutated }.ToJsonString());
        return ReplayedOutput.Parse(new MemoryStream(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
