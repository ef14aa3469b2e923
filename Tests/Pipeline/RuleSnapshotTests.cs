using Xunit;
using static Mergeflow.Tests.PipelineBed;

namespace Mergeflow.Tests;

/// <summary>What somebody holds of the tables does not change under him.</summary>
public sealed class RuleSnapshotTests
{
    [Theory]
    [InlineData("modify tcp,actions=output:3")]
    [InlineData("modify reset_counts,tcp,actions=output:3")]
    [InlineData("add cookie=7,priority=5,tcp,actions=output:3")]
    [InlineData("delete tcp")]
    public void A_rule_that_was_taken_before_a_change_is_as_it_was(string change)
    {
        using PipelineBed bed = new("cookie=1,priority=5,tcp,actions=output:2");
        OfRule held = bed.Pipeline.Rules.Single();
        EquatableList<OfAction> actions = held.Actions;
        Assert.True(bed.Mod(change));
        Assert.Equal((actions, 1ul), (held.Actions, held.Cookie));
        Assert.DoesNotContain(held, bed.Pipeline.Rules);
    }

    /// <summary>The overlap is found behind the modification: nobody may have seen that.</summary>
    [Fact]
    public void A_batch_that_is_rolled_back_leaves_the_very_same_rules()
    {
        using PipelineBed bed = new("cookie=1,priority=5,tcp,actions=output:2\ncookie=2,priority=4,udp,actions=output:2");
        OfRule[] held = [.. bed.Pipeline.Rules];
        held[0].Stats.Add(9, 0, 0);
        ulong version = bed.Pipeline.TablesVersion;
        Assert.Throws<FlowModException>(() => bed.Mod(
            "modify reset_counts,tcp,actions=output:3", "delete udp", "add check_overlap,priority=5,ip,actions=output:4"));
        Assert.Equal(held, bed.Pipeline.Rules);
        Assert.Equal((9ul, version), (held[0].Packets, bed.Pipeline.TablesVersion));
        Assert.Equal("2", bed.Actions(Tcp()));
        Assert.Equal("2", bed.Actions(Udp()));
    }
}
