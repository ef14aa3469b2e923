using System.Globalization;
using System.Text.Json;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Software reads one tag (<c>vlan-limit</c> 1, as Open vSwitch is shipped), the device two: rules for tagged frames are there, and frames with two tags leave as software sends them.</summary>
public sealed class OneTagTests
{
    private const int FlowsOfACase = 14;
    private const int EventsOfACase = 300;

    private static readonly string[] s_matches =
        ["ip", "arp", "ipv6", "udp", "dl_vlan=5", "ip,dl_vlan=5", "vlan_tci=0", "ip,vlan_tci=0x1000/0x1000", "dl_type=0x8100", "dl_type=0x88a8", "dl_vlan=6,dl_vlan_pcp=3", "in_port=1,ip", "in_port=2", "ip,nw_src=10.0.0.1", ""];

    private static readonly string[] s_actions =
        ["output:2", "output:3", "mod_vlan_vid:7,output:3", "push_vlan:0x8100,set_field:4105->vlan_vid,output:2", "push_vlan:0x88a8,output:3", "strip_vlan,output:2", "mod_vlan_pcp:2,output:1", "resubmit(,1)", "output:1,resubmit(,1)", "drop", "mod_dl_src:02:00:00:00:00:77,output:2", "strip_vlan,push_vlan:0x8100,set_field:4105->vlan_vid,output:3"];

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 12)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_device_that_reads_two_tags_answers_as_software_that_reads_one(int seed)
    {
        using TemporaryFolder files = new();
        Random random = new(seed);
        files.Write("case.json", """{"ports":{"p1":1,"p2":2,"p3":3},"config":{"vlan_limit":1}}""");
        files.Write("flows.txt", Flows(random));
        files.Write("events.jsonl", string.Join('\n', Enumerable.Range(0, EventsOfACase).Select(i => Event(i, random))));
        (string[] expected, _) = Replay(files, "none");
        foreach (string profile in new[] { "ideal", "kernel" })
        {
            (string[] outputs, JsonElement final) = Replay(files, "nic", "--profile", profile);
            Assert.Equal(expected, outputs);
            Assert.True(final.GetProperty("n_offloaded").GetInt32() > 0);
        }
    }

    [Theory]
    [InlineData("in_port=1,ip actions=output:2", 1, true)]
    [InlineData("in_port=1,ip actions=output:2", 0, true)]
    [InlineData("in_port=1,ip actions=output:2", 2, false)]
    [InlineData("in_port=1,dl_vlan=5 actions=strip_vlan,output:2", 1, true)]
    [InlineData("in_port=1,dl_vlan=5 actions=mod_vlan_vid:9,output:2", 2, false)]
    [InlineData("in_port=1 actions=output:2", 1, true)]
    public void Frames_with_one_tag_or_none_are_the_devices(string flow, int tags, bool isOffloaded)
    {
        using TemporaryFolder files = new();
        files.Write("case.json", """{"ports":{"p1":1,"p2":2},"config":{"vlan_limit":1}}""");
        files.Write("flows.txt", flow);
        string hex = Frame([.. Enumerable.Repeat((ushort)0x8100, tags)], 0x0800, 1);
        files.Write("events.jsonl", string.Join('\n', Enumerable.Range(0, 20).Select(i => Packet(i, 1, hex))));
        (_, JsonElement final) = Replay(files, "nic", "--profile", "kernel");
        Assert.Equal(isOffloaded, final.GetProperty("offload_hits").GetInt32() > 0);
    }

    private static (string[] Outputs, JsonElement Final) Replay(TemporaryFolder files, string offload, params string[] more)
    {
        CliRun run = CliRun.Of(["replay", "--flows", files["flows.txt"], "--config", files["case.json"], "--in", files["events.jsonl"], "--out", files["out.jsonl"], "--offload", offload, .. more]);
        Assert.True(run.ExitCode == 0, run.Error);
        string[] lines = File.ReadAllLines(files["out.jsonl"]);
        return (lines[..^1], JsonDocument.Parse(lines[^1]).RootElement.GetProperty("final"));
    }

    private static string Flows(Random random)
    {
        List<string> flows = [];
        for (int i = 0; i < FlowsOfACase; i++)
        {
            string match = Pick(s_matches, random), actions = Pick(s_actions, random);
            bool hasTag = match.Contains("vlan", StringComparison.Ordinal) && !match.Contains("vlan_tci=0,", StringComparison.Ordinal) && match != "vlan_tci=0";
            if (!hasTag && actions.StartsWith("strip_vlan", StringComparison.Ordinal)) actions = actions.Replace("strip_vlan,", "", StringComparison.Ordinal);
            int table = i % 2;
            if (table == 1) actions = actions.Replace("resubmit(,1)", "output:2", StringComparison.Ordinal);
            flows.Add($"table={table},priority={i + 1}{(match.Length > 0 ? "," : "")}{match} actions={actions}");
        }

        return string.Join('\n', flows) + "\n";
    }

    private static string Event(int i, Random random)
    {
        ushort[] tags = [.. Enumerable.Range(0, random.Next(4)).Select(_ => random.Next(3) == 0 ? (ushort)0x88a8 : (ushort)0x8100)];
        return Packet(i, 1 + random.Next(3), Frame(tags, Pick<ushort>([0x0800, 0x0800, 0x0806, 0x86dd, 0x1234], random), random.Next(3)));
    }

    private static string Packet(int i, int port, string hex) => string.Create(CultureInfo.InvariantCulture, $$"""{"i":{{i}},"t":{{10 * i}},"op":"pkt","port":{{port}},"hex":"{{hex}}"}""");

    /// <summary>A frame behind tags.</summary>
    private static string Frame(ushort[] tpids, ushort type, int host)
    {
        NicFrame frame = NicFrame.New();
        byte[] whole = type == 0x0800 ? frame.Ipv4($"10.0.0.{1 + host}", "10.0.0.9", NicFrame.Udp, NicFrame.UdpDatagram(7, 8, 20)) : [.. Convert.FromHexString("020000000002020000000001"), (byte)(type >> 8), (byte)type, .. new byte[46]];
        byte[] tags = [.. tpids.SelectMany((t, n) => new byte[] { (byte)(t >> 8), (byte)t, n == 0 ? (byte)0x60 : (byte)0, (byte)(5 + ((host + n) % 2)) })];
        return Convert.ToHexStringLower([.. whole[..12], .. tags, .. whole[12..]]);
    }

    private static T Pick<T>(T[] of, Random random) => of[random.Next(of.Length)];
}
