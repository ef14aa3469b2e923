using Xunit;

namespace Mergeflow.Tests;

/// <summary>What the recorded answers alone cannot show: that the offload takes part, that runs repeat, that chosen NAT mappings hold.</summary>
public sealed class ConformanceOffloadTests
{
    [Theory]
    [InlineData("ct_firewall", OffloadMode.Soft)]
    [InlineData("ct_firewall", OffloadMode.Nic)]
    [InlineData("recirc_chain", OffloadMode.Soft)]
    [InlineData("recirc_chain", OffloadMode.Nic)]
    public void Rules_are_installed_and_forward(string caseName, OffloadMode offload)
    {
        byte[] output = ConformanceRun.Replay(caseName, offload);
        Assert.True(ConformanceRun.FinalNumber(output, "n_offloaded") > 0, "no rule was installed");
        Assert.True(ConformanceRun.FinalNumber(output, "offload_hits") > 0, "no packet took a merged rule");
    }

    [Theory]
    [InlineData("ct_firewall")]
    [InlineData("acl")]
    public void Nothing_is_offloaded_when_the_offload_is_off(string caseName)
    {
        byte[] output = ConformanceRun.Replay(caseName, OffloadMode.None);
        Assert.Equal(0, ConformanceRun.FinalNumber(output, "n_offloaded"));
        Assert.Equal(0, ConformanceRun.FinalNumber(output, "offload_hits"));
    }

    [Theory]
    [InlineData("nat_range", OffloadMode.None)]
    [InlineData("nat_range", OffloadMode.Nic)]
    [InlineData("select_group", OffloadMode.Soft)]
    [InlineData("ovn_like", OffloadMode.Nic)]
    public void The_same_seed_gives_the_same_bytes(string caseName, OffloadMode offload) =>
        Assert.Equal(ConformanceRun.Replay(caseName, offload, seed: 7), ConformanceRun.Replay(caseName, offload, seed: 7));

    [Theory]
    [InlineData(OffloadMode.None)]
    [InlineData(OffloadMode.Soft)]
    [InlineData(OffloadMode.Nic)]
    public void Replies_to_chosen_mappings_are_translated_back(OffloadMode offload)
    {
        ConformanceCase first = CaseFiles.Load("nat_range");
        ReplayedOutput got = ConformanceRun.Parse(ConformanceRun.Replay(first.Name, offload));
        string directory = Directory.CreateTempSubdirectory("follow-up-").FullName;
        try
        {
            foreach (string name in new[] { "case.json", "flows.txt" }) File.Copy(Path.Combine(first.Directory, name), Path.Combine(directory, name));
            string[] events = [.. ConformanceJudge.FollowUpEvents(first, got)];
            File.WriteAllLines(Path.Combine(directory, "events.jsonl"), events);
            Assert.True(events.Length > first.Events.Count, "no mapping was chosen");
            ConformanceCase followUp = ConformanceCase.Load(directory);
            byte[] output = ConformanceRun.Replay(Cli.ReplayArguments.FromCase(directory) with { Offload = offload });
            Assert.Empty(ConformanceJudge.Judge(followUp, ConformanceRun.Parse(output)));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
