using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Text;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A rule that is added again, and differs in something that no packet sees.</summary>
public sealed class AddAgainTests
{
    [Theory]
    [InlineData("importance=1,", "importance=12,", 12, FlowModFlags.None)]
    [InlineData("importance=7,", "", 0, FlowModFlags.None)]
    [InlineData("", "send_flow_rem,", 0, FlowModFlags.SendFlowRemoved)]
    [InlineData("send_flow_rem,", "", 0, FlowModFlags.None)]
    [InlineData("", "reset_counts,", 0, FlowModFlags.ResetCounts)]
    [InlineData("reset_counts,", "", 0, FlowModFlags.None)]
    public void It_is_as_it_was_added_last(string before, string after, int importance, FlowModFlags flags)
    {
        OfPipeline pipeline = new(new PipelineOptions { Ports = [] });
        foreach (string what in (string[])[before, after]) pipeline.ApplyAll(new FlowTextParser().ParseFlows($"{what}table=1,dl_vlan=1,actions=drop"), 0);
        OfRule rule = Assert.Single(pipeline.Rules);
        Assert.Equal((importance, flags), (rule.Importance, rule.Flags));
    }
}
