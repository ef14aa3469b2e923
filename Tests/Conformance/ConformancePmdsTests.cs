using System.Text.Json;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// Every recorded case on two and four packet threads, packets spread over them by flow, with both directions of a connection on one thread or each on its own. What
/// may differ then is listed here and in docs/conformance.md.
/// </summary>
public sealed class ConformancePmdsTests
{
    /// <summary>
    /// Cases whose recording shows a fault of Open vSwitch 3.1 that depends on what packets share: another packet's megaflow, or the tracker's late fragments. With a
    /// table and a defragmenter per thread they share less. As the switch ships these cases are compared like all others.
    /// </summary>
    private static readonly string[] s_sharedFaults =
    [
        "flow_mods__purge", "flow_mods__purge__noseq", "frags_ct", "frags_late", "frags_late__purge", "l2_vlan", "tag_absent", "tag_absent_ct", "tag_absent_ct__purge", "tag_compared", "vlan_mask_age", "vlan_second_tag",
    ];

    /// <summary>Cases in which <c>normal</c> learns: when an address moves is seen by a thread without a megaflow at once, by others in the next round.</summary>
    private static readonly string[] s_learning = ["surface_normal"];

    /// <summary>Cases in which a megaflow goes on shortening timeouts once one of its packets has ended a connection: what a megaflow of another thread has not seen, it does not do.</summary>
    private static readonly string[] s_seenFlags = ["fin_timeouts", "fin_timeouts_2"];

    private static readonly int[] s_pmdCounts = [2, 4];

    /// <summary>Case, offload, packet threads: one offload a case and count in turn, or all of them.</summary>
    public static TheoryData<string, OffloadMode, int> Runs
    {
        get
        {
            TheoryData<string, OffloadMode, int> runs = [];
            OffloadMode[] modes = Enum.GetValues<OffloadMode>();
            int number = 0;
            foreach (string name in CaseFiles.Names)
            {
                foreach (int count in s_pmdCounts)
                {
                    number++;
                    foreach (OffloadMode offload in RunSample.Modes(number, modes)) runs.Add(name, offload, count);
                }
            }

            return runs;
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void Answers_as_Open_vSwitch_does(string caseName, OffloadMode offload, int pmds)
    {
        if (s_sharedFaults.Contains(caseName) || s_seenFlags.Contains(caseName)) return;
        foreach (bool isSymmetric in (bool[])[true, false])
        {
            byte[] output = Replay(caseName, offload, pmds, isSymmetric, Quirks.Ovs31);
            RunSample.AssertNone(ConformanceRun.Judge(caseName, offload, output));
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void Answers_right_as_shipped(string caseName, OffloadMode offload, int pmds)
    {
        if (s_learning.Contains(caseName) || s_seenFlags.Contains(caseName)) return;
        if (offload == OffloadMode.Nic && ConformanceRun.AnswerFor(caseName, offload).Name != caseName) return;
        ConformanceCase @case = CaseFiles.Load(caseName);
        foreach (bool isSymmetric in (bool[])[true, false])
        {
            byte[] output = Replay(caseName, offload, pmds, isSymmetric, Quirks.None);
            RunSample.AssertNone(ShippedAnswer.Read(@case) is { } answer
                ? answer.Judge(@case, ConformanceRun.Parse(output))
                : ConformanceRun.Judge(caseName, offload, output, Quirks.None));
        }
    }

    /// <summary>The runs above spread packets: all threads get some, and with one hash a connection's directions meet, with the other they part.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Packets_come_to_all_threads(bool isSymmetric)
    {
        using ReplaySession session = new(Arguments("ct_firewall", OffloadMode.None, 4, isSymmetric, Quirks.None), Stream.Null);
        while (session.Step())
        {
        }

        session.Finish();
        Assert.All(session.Simulator.Datapath.Pmds, static p => Assert.True(p.Thread.Stats.Rx > 50));
    }

    [Fact]
    public void The_document_lists_what_is_not_compared()
    {
        string text = RepositoryFiles.Read("docs/conformance.md");
        int from = text.IndexOf("## Several packet threads", StringComparison.Ordinal);
        string section = text[from..text.IndexOf("\n## ", from + 1, StringComparison.Ordinal)];
        Assert.All(s_sharedFaults.Concat(s_learning).Concat(s_seenFlags), name => Assert.Contains($"`{name}`", section, StringComparison.Ordinal));
        Assert.All(s_sharedFaults.Concat(s_seenFlags), static name => Assert.True(CaseFiles.Exists(name), name));
    }

    private static byte[] Replay(string caseName, OffloadMode offload, int pmds, bool isSymmetric, Quirks quirks)
    {
        byte[] output = ConformanceRun.Replay(Arguments(caseName, offload, pmds, isSymmetric, quirks));
        JsonElement final = ConformanceRun.Parse(output).Final!.Value;
        Assert.Equal(pmds, final.GetProperty("datapath").GetProperty("pmds").GetInt32());
        return output;
    }

    private static ReplayArguments Arguments(string caseName, OffloadMode offload, int pmds, bool isSymmetric, Quirks quirks)
        => ReplayArguments.FromCase(CaseFiles.Load(caseName).Directory) with { Offload = offload, PmdCount = pmds, RssIsSymmetric = isSymmetric, Seed = (ulong)pmds, Quirks = quirks };
}
