using Mergeflow.Control.Bridges;
using Mergeflow.Engine.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What translations complain of: packet threads leave it, control writes it.</summary>
public sealed class ComplaintLogTests
{
    [Fact]
    public void Nothing_is_written_before_control_writes()
    {
        (List<string> lines, ComplaintLog log, TranslationComplaint complaint) = Log();
        log.Leave(complaint);
        Assert.Empty(lines);
        log.Write();
        Assert.StartsWith("too much on bridge br0 while processing ", Assert.Single(lines), StringComparison.Ordinal);
        log.Write();
        Assert.Single(lines);
    }

    [Fact]
    public void However_many_there_are_a_few_are_written()
    {
        (List<string> lines, ComplaintLog log, TranslationComplaint complaint) = Log();
        for (int i = 0; i < 10_000; i++) log.Leave(complaint);
        log.Write();
        Assert.Equal(5, lines.Count);
    }

    private static (List<string> Lines, ComplaintLog Log, TranslationComplaint Complaint) Log()
    {
        List<string> lines = [];
        return (lines, new ComplaintLog(lines.Add), new TranslationComplaint(new OfPipeline(new PipelineOptions { Name = "br0" }), "too much", default, 0));
    }
}
