using Mergeflow.Control.OpenFlow;
using Mergeflow.Engine.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Flags of flow modifications in versions that have other ones.</summary>
public sealed class FlowFlagsTests
{
    [Theory]
    [InlineData(OfVersion.V10, FlowModCommand.Add, FlowModFlags.ResetCounts)]
    [InlineData(OfVersion.V11, FlowModCommand.Add, FlowModFlags.ResetCounts)]
    [InlineData(OfVersion.V12, FlowModCommand.Add, FlowModFlags.None)]
    [InlineData(OfVersion.V15, FlowModCommand.Add, FlowModFlags.None)]
    [InlineData(OfVersion.V10, FlowModCommand.Modify, FlowModFlags.None)]
    public void Before_OpenFlow_12_a_flow_that_is_added_counts_anew(OfVersion version, FlowModCommand command, FlowModFlags expected)
    {
        OfMessage said = OfTalk.Flow("tcp,actions=output:2", command);
        for (int i = 0; i < 2; i++)
        {
            said = OfCodec.Decode(OfCodec.Encode(said, version));
            Assert.Equal(expected, Assert.IsType<OfFlowModMessage>(said).Mod.Flags);
        }
    }
}
