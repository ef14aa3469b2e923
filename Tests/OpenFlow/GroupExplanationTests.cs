using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Text;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>How a select group finds its bucket, in the words of Open vSwitch 3.1.0.</summary>
public sealed class GroupExplanationTests
{
    [Fact]
    public void Hash_values_are_shared_out_by_weight()
        => Assert.Equal(
            [
                "Constructing select group 1234", "No selection method specified. Trying dp_hash.", "  Minimum weight: 5, total weight: 100", "  Using 32 hash values:",
                "  Bucket 0: weight=5, target=1.60 hits=2", "  Bucket 1: weight=10, target=3.20 hits=3", "  Bucket 2: weight=25, target=8.00 hits=8", "  Bucket 3: weight=60, target=19.20 hits=19",
                "  Bucket 4: weight=0, target=0.00 hits=0", "Use dp_hash with 32 hash values using algorithm 1.",
            ],
            Explain("group_id=1234,type=select,bucket=weight:5,output:10,bucket=weight:10,output:11,bucket=weight:25,output:12,bucket=weight:60,output:13,bucket=weight:0,output:14"));

    [Theory]
    [InlineData("group_id=1,type=select,selection_method=dp_hash,bucket=weight:1,output:1,bucket=weight:1000,output:2", "  Too many hash values required: 1024", "Falling back to default hash method.")]
    [InlineData("group_id=1,type=select,selection_method=hash,bucket=output:1", "Selection method specified: hash.", "No hash fields. Falling back to default hash method.")]
    public void Where_it_cannot_be_it_says_so(string group, params string[] last) => Assert.Equal(last, Explain(group).TakeLast(last.Length));

    private static string[] Explain(string group)
    {
        OfPipeline pipeline = new(new PipelineOptions { Ports = [] });
        GroupMod mod = new FlowTextParser().ParseGroups(group)[0];
        pipeline.ApplyGroup(mod);
        return [.. pipeline.ExplainGroup(mod.GroupId)];
    }
}
