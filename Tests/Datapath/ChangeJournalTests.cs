using Xunit;

namespace Mergeflow.Tests;

/// <summary>Changes of all bridges of a datapath are noted for who repeats them, those that time makes, too.</summary>
[Collection(nameof(AloneCollection))]
public sealed class ChangeJournalTests
{
    private const int Rounds = 200;

    [Fact]
    public void Rules_of_any_bridge_that_expire_are_noted_under_its_name()
    {
        using Engine.Runtime.Datapath d = New();
        DatapathBridge other = d.AddBridge("br1", 0);
        d.ApplyFlowMods(Rules("table=1,hard_timeout=1 actions=drop", "table=2,hard_timeout=5 actions=drop"), 0);
        other.ApplyFlowMods(Rules("table=3,hard_timeout=3 actions=drop", "table=4,hard_timeout=5 actions=drop"), 0);
        ChangeJournal journal = new();
        d.Hang(journal);
        d.ExpireShared(2_000);
        Assert.Equal([(d.Main.Pipeline.Name, 1)], Gone(journal));
        d.ExpireShared(4_000);
        Assert.Equal([(d.Main.Pipeline.Name, 1), ("br1", 3)], Gone(journal));
        d.ExpireShared(6_000);
        Assert.Equal([(d.Main.Pipeline.Name, 1), ("br1", 3), (d.Main.Pipeline.Name, 2), ("br1", 4)], Gone(journal));
        d.Unhang(journal);
        Assert.Empty(other.Pipeline.Rules);
    }

    [Fact]
    public void A_change_of_any_bridge_is_noted_under_its_name()
    {
        using Engine.Runtime.Datapath d = New();
        DatapathBridge other = d.AddBridge("br1", 0);
        ChangeJournal journal = new();
        d.Hang(journal);
        other.ApplyFlowMods(Rules("table=3 actions=drop"), 0);
        other.Ports.Add(new PipelinePort("q1", 1) { InDatapath = 9 }, 1, 0);
        d.ApplyFlowMods(Rules("table=1 actions=drop"), 0);
        d.Unhang(journal);
        Assert.Equal(["br1", "br1", d.Main.Pipeline.Name], journal.Changes.Select(static c => c.Bridge));
        Assert.Equal(3, Assert.IsType<TablesChange>(journal.Changes.First()).Come.Single().Table);
        PortChange port = Assert.IsType<PortChange>(journal.Changes.ElementAt(1));
        Assert.Equal((1u, PortNews.Come), (port.Port, port.News));
    }

    [Fact]
    public void Nothing_is_allocated_while_changes_are_noted_and_no_rule_is_due()
    {
        using Engine.Runtime.Datapath d = New();
        DatapathBridge other = d.AddBridge("br1", 0);
        other.ApplyFlowMods(Rules("table=3,hard_timeout=60000 actions=drop"), 0);
        ChangeJournal journal = new();
        d.Hang(journal);
        for (int i = 0; i < Rounds; i++) d.ExpireShared(1_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Rounds; i++) d.ExpireShared(1_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        d.Unhang(journal);
    }

    private static Engine.Runtime.Datapath New() => new(new DatapathOptions { Ports = [("p1", 1), ("p2", 2)], PacketCapacity = 256, FrameCapacityBytes = 2048 }, sink: null);

    private static IReadOnlyList<FlowMod> Rules(params string[] rules) => new FlowTextParser().ParseFlows(string.Join('\n', rules));

    /// <summary>Bridges and tables of the rules that are noted as gone.</summary>
    private static IEnumerable<(string, int)> Gone(ChangeJournal journal)
        => journal.Changes.SelectMany(static c => Assert.IsType<TablesChange>(c).Gone.Select(r => (c.Bridge, (int)r.Table)));
}
