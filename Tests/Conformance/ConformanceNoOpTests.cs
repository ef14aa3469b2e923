using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// What changes nothing, before every tenth event, shows in no packet, no counter and no connection: modifications that leave the tables as they
/// were, a translation of every megaflow again, and the deletion of all megaflows, which revokes what was merged from them.
/// </summary>
/// <remarks>
/// In a few cases Open vSwitch answers otherwise when megaflows go, because the answer hangs on what was cached (see ADR 1). Those were recorded
/// with the deletions in them, as <c>NAME__purge</c>, which <see cref="ConformanceTests"/> compares.
/// </remarks>
public sealed class ConformanceNoOpTests
{
    private const byte UnusedTable = 252;

    private static readonly string[] s_kinds = ["add and delete", "modify", "revalidate", "purge"];

    /// <summary>Case, offload, kind of change, caches on, packets per batch.</summary>
    public static TheoryData<string, OffloadMode, string, bool, int> Runs
    {
        get
        {
            TheoryData<string, OffloadMode, string, bool, int> runs = [];
            int number = 0;
            foreach (OffloadMode offload in new[] { OffloadMode.None, OffloadMode.Soft, OffloadMode.Nic })
            {
                foreach (string name in RunSample.Names(offload))
                {
                    number++;
                    for (int kind = 0; kind < s_kinds.Length; kind++)
                    {
                        if (s_kinds[kind] is "purge" or "revalidate" && CaseFiles.Exists(name.Replace(CaseFiles.NoSeqSuffix, "", StringComparison.Ordinal) + CaseFiles.PurgeSuffix)) continue;
                        if (!RunSample.IsWhole && kind != number % s_kinds.Length) continue;
                        foreach ((bool cacheOn, int batchSize) in RunSample.Ways(number)) runs.Add(name, offload, s_kinds[kind], cacheOn, batchSize);
                    }
                }
            }

            return runs;
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void A_change_of_nothing_changes_nothing(string caseName, OffloadMode offload, string kind, bool cacheOn, int batchSize)
    {
        int turn = 0;
        byte[] output = ConformanceRun.ReplayWithChanges(caseName, offload, cacheOn, batchSize, s => ChangeNothing(kind, s, turn++));
        Assert.True(turn > 0 || CaseFiles.Load(caseName).Events.Count < 10, "no change was made");
        RunSample.AssertNone(ConformanceRun.Judge(caseName, offload, output));
    }

    /// <summary>Megaflows that are revalidated stay, and with them the order in which they are found.</summary>
    [Theory]
    [InlineData("l2_vlan", OffloadMode.None)]
    [InlineData("l2_vlan", OffloadMode.Soft)]
    [InlineData("l2_vlan", OffloadMode.Nic)]
    [InlineData("flow_mods", OffloadMode.None)]
    [InlineData("flow_mods", OffloadMode.Soft)]
    [InlineData("flow_mods__noseq", OffloadMode.Nic)]
    [InlineData("frags_late", OffloadMode.None)]
    [InlineData("frags_late", OffloadMode.Soft)]
    [InlineData("frags_late", OffloadMode.Nic)]
    [InlineData("vlan_mask_age", OffloadMode.None)]
    [InlineData("vlan_mask_age", OffloadMode.Soft)]
    [InlineData("vlan_mask_age", OffloadMode.Nic)]
    [InlineData("tag_absent", OffloadMode.None)]
    [InlineData("tag_absent", OffloadMode.Soft)]
    [InlineData("tag_absent", OffloadMode.Nic)]
    [InlineData("tag_absent_ct", OffloadMode.None)]
    [InlineData("tag_absent_ct", OffloadMode.Soft)]
    [InlineData("tag_absent_ct", OffloadMode.Nic)]
    [InlineData("tag_compared", OffloadMode.None)]
    [InlineData("tag_compared", OffloadMode.Soft)]
    [InlineData("tag_compared", OffloadMode.Nic)]
    public void Revalidation_keeps_the_age_of_masks(string caseName, OffloadMode offload) => A_change_of_nothing_changes_nothing(caseName, offload, "revalidate", true, 32);

    private static void ChangeNothing(string kind, Simulator simulator, int turn)
    {
        switch (kind)
        {
            case "revalidate":
                simulator.Revalidate();
                break;
            case "purge":
                simulator.Purge();
                break;
            case "modify":
                // A hard timeout counts from the last modification: for a rule that has one, or gets one by a FIN, it is a change.
                OfRule[] rules = [.. simulator.Pipeline.Rules.Where(static r => r.HardTimeoutSeconds == 0 && !r.Actions.Any(static a => a is OfFinTimeout))];
                if (rules.Length == 0) break;
                OfRule rule = rules[turn % rules.Length];
                simulator.ApplyFlowMods([new FlowMod { Command = FlowModCommand.ModifyStrict, Table = rule.Table, Priority = rule.Priority, Match = rule.Match, Actions = rule.Actions }], purge: true);
                break;
            default:
                simulator.ApplyFlowMods(
                    [
                        new FlowMod { Table = UnusedTable, Priority = 7, Cookie = 0x7fff_0001, NewCookie = 0x7fff_0001 },
                        new FlowMod { Command = FlowModCommand.DeleteStrict, Table = UnusedTable, Priority = 7 },
                    ],
                    purge: true);
                break;
        }
    }
}
