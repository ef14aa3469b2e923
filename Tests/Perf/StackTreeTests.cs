using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

public sealed class StackTreeTests
{
    private const string Script = """
        pmd  712 
        	    7f01 instance int32 [Mergeflow.Engine] Mergeflow.Engine.Lookup.Dpcls::Lookup(valuetype Mergeflow.Engine.Keys.FlowKey&,uint32,uint64&)[OptimizedTier1]
        	    7f02 instance void [Mergeflow.Perf] Mergeflow.Perf.PacketLoop::Loop(float64,class StagePoller)[Tier1-OSR]

        .NET Tiered Com  713 
        	    7f03 compile

        pmd  712 
        	    7f09 instance void [Mergeflow.Perf] Mergeflow.Perf.PacketLoop::Loop(float64,class StagePoller)[Tier1-OSR]
        """;

    [Fact]
    public void Stacks_of_the_thread_are_merged_from_the_root()
    {
        StackTree root = StackTree.ReadPerfScript(Script.Split('\n'), "pmd");
        Assert.Equal(2, root.Samples);
        StackTree loop = Assert.Single(root.Children);
        Assert.Equal(("PacketLoop::Loop", 2), (loop.Name, loop.Samples));
        StackTree lookup = Assert.Single(loop.Children);
        Assert.Equal(("Dpcls::Lookup", 1), (lookup.Name, lookup.Samples));
        Assert.Equal(3, root.Depth);
    }

    [Fact]
    public void The_graph_names_every_frame_and_its_share()
    {
        string svg = FlameGraph.Svg(StackTree.ReadPerfScript(Script.Split('\n'), "pmd"), "a < b");
        Assert.Contains("<title>Dpcls::Lookup: 1 samples, 50.0 %</title>", svg, StringComparison.Ordinal);
        Assert.Contains("a &lt; b: 2 samples", svg, StringComparison.Ordinal);
        _ = System.Xml.Linq.XDocument.Parse(svg);
    }
}
