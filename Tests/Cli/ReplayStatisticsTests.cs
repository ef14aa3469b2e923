using System.Text.Json;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Which rule a packet counts for when the tables change behind it.</summary>
public sealed class ReplayStatisticsTests
{
    private const string Frame = "0200000000010200000000020806000100080604000102000000000200000000000000000000000a000001";

    /// <summary>
    /// Two packets of one megaflow, then a rule above theirs. Wherever the clock moved in between, even by 1 ms, the revalidators of Open
    /// vSwitch have seen the second packet; if it did not, the purge finds it and translates anew.
    /// </summary>
    [Theory]
    [InlineData(0, 1, 1)]
    [InlineData(1, 2, 0)]
    [InlineData(4, 2, 0)]
    [InlineData(5, 2, 0)]
    public void A_move_of_the_clock_settles_packets_before_the_tables_change(int moveMs, int older, int newer)
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write("flows.txt", "cookie=0x1,priority=1,arp actions=output:2\n");
        string events = folder.Write("in.jsonl", $$"""
            {"i":0,"t":10,"op":"pkt","port":1,"hex":"{{Frame}}"}
            {"i":1,"t":10,"op":"pkt","port":1,"hex":"{{Frame}}"}
            {"i":2,"t":{{10 + moveMs}},"op":"flow_mods","lines":["add cookie=0x2,priority=2,arp actions=output:2"]}

            """);
        Assert.Equal(ExitCode.Ok, CliRun.Of("replay", "--flows", flows, "--ports", "p1=1,p2=2", "--in", events, "--out", folder["out"]).ExitCode);
        using JsonDocument last = JsonDocument.Parse(File.ReadLines(folder["out"]).Last());
        JsonElement rules = last.RootElement.GetProperty("final").GetProperty("rules");
        Assert.Equal(older, rules.GetProperty("0x1").GetProperty("n_packets").GetInt32());
        Assert.Equal(newer, rules.GetProperty("0x2").GetProperty("n_packets").GetInt32());
    }
}
