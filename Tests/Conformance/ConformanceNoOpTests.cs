using Mergeflow.Engine;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// A change of the tables that changes nothing, before every tenth event, shows in no packet, no counter and no connection, although it makes
/// every megaflow be translated again and revokes what was merged from those that go.
/// </summary>
/// <remarks>
/// The recorder purges all megaflows after each change; a switch by itself only revalidates them: here is both. In a few cases Open vSwitch
/// answers otherwise when they go, because the answer hangs on what was cached (see ADR 1). Those were recorded with the changes in them, as
/// <c>NAME__noop</c>, which <see cref="ConformanceTests"/> compares.
/// </remarks>
public sealed class ConformanceNoOpTests
{
    private const byte UnusedTable = 252;

    /// <summary>Case, offload, kind of change, purge, caches on, packets per batch.</summary>
    public static TheoryData<string, OffloadMode, string, bool, bool, int> Runs
    {
        get
        {
            TheoryData<string, OffloadMode, string, bool, bool, int> runs = [];
            int number = 0;
            foreach (OffloadMode offload in new[] { OffloadMode.None, OffloadMode.Soft, OffloadMode.Nic })
            {
                foreach (string name in RunSample.Names(offload))
                {
                    number++;
                    for (int kind = 0; kind < 4; kind++)
                    {
                        bool purge = kind < 2;
                        if (CaseFiles.Exists(name + CaseFiles.NoOpSuffix)) continue;
                        if (!RunSample.IsWhole && kind != number % 4) continue;
                        foreach ((bool cacheOn, int batchSize) in RunSample.Ways(number)) runs.Add(name, offload, kind % 2 == 0 ? "add and delete" : "modify", purge, cacheOn, batchSize);
                    }
                }
            }

            return runs;
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void AChangeOfNothingChangesNothing(string caseName, OffloadMode offload, string kind, bool purge, bool cacheOn, int batchSize)
    {
        int turn = 0;
        byte[] output = ConformanceRun.ReplayWithChanges(caseName, offload, cacheOn, batchSize, s => s.ApplyFlowMods(Change(kind, s, turn++), purge));
        Assert.True(turn > 0 || CaseFiles.Load(caseName).Events.Count < 10, "no change was made");
        RunSample.AssertNone(ConformanceRun.Judge(caseName, offload, output));
    }

    /// <summary>Megaflows that are revalidated stay, and with them the order in which they are found.</summary>
    [Theory]
    [InlineData("l2_vlan", OffloadMode.None)]
    [InlineData("l2_vlan", OffloadMode.Soft)]
    [InlineData("l2_vlan", OffloadMode.Nic)]
    [InlineData("vlan_mask_age", OffloadMode.None)]
    [InlineData("vlan_mask_age", OffloadMode.Soft)]
    [InlineData("vlan_mask_age", OffloadMode.Nic)]
    public void RevalidationKeepsTheAgeOfMasks(string caseName, OffloadMode offload) => AChangeOfNothingChangesNothing(caseName, offload, "modify", false, true, 32);

    private static List<FlowMod> Change(string kind, Simulator simulator, int turn)
    {
        if (kind == "modify")
        {
            OfRule[] rules = [.. simulator.Pipeline.Rules];
            OfRule rule = rules[turn % rules.Length];
            return [new FlowMod { Command = FlowModCommand.ModifyStrict, Table = rule.Table, Priority = rule.Priority, Match = rule.Match, Actions = rule.Actions }];
        }

        return
        [
            new FlowMod { Table = UnusedTable, Priority = 7, Cookie = 0x7fff_0001, NewCookie = 0x7fff_0001 },
            new FlowMod { Command = FlowModCommand.DeleteStrict, Table = UnusedTable, Priority = 7 },
        ];
    }
}
