using FsCheck.Xunit;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// After a flow modification only the megaflows that it may concern are translated again. When all are translated again behind that, nothing changes:
/// no megaflow goes, none gets another program, mask or rules to report to.
/// </summary>
public sealed class RuleChangeProperties(ITestOutputHelper output) : IDisposable
{
    private readonly RunStatistics _statistics = new();

    public void Dispose() => output.WriteLine(_statistics.Report("megaflows at a modification"));

    [SeededProperty(MaxTest = 60, Arbitrary = [typeof(CaseArbitraries)])]
    public void Those_that_are_not_looked_at_stay_true(CaseSeed seed)
    {
        var chance = new Chance(seed.Value);
        var rules = new PipelineGenerator(chance, conntrack: seed.Value % 4 != 0);
        FuzzCase @case = new TrafficGenerator(chance, rules).Fill(new FuzzCase($"seed{seed.Value}", Domain.Ports, rules.Flows(), rules.Groups(), []), 150);
        using var simulator = new Simulator(
            new SimulatorOptions { Ports = [.. @case.Ports.Select(p => ($"p{p}", p))], BatchSize = 1, ConnectionCapacity = 4096, MegaflowCapacity = 8192, EmcEntryCount = 1024, PacketCapacity = 512, FrameCapacityBytes = 2048 },
            new Nowhere());
        foreach (GroupMod group in @case.ParseGroups()) simulator.ApplyGroupMod(group);
        simulator.ApplyFlowMods(@case.ParseFlows());
        foreach (FuzzEvent e in @case.Events)
        {
            simulator.AdvanceTo(e.TimeMs);
            switch (e.Op)
            {
                case FuzzOp.Packet:
                    simulator.Receive(e.Port, e.Frame, 0);
                    simulator.ProcessPending();
                    if (chance.OneIn(2)) Check(simulator, rules.Modification());
                    break;
                case FuzzOp.FlowMods:
                    foreach (string line in e.Lines) Check(simulator, line);
                    break;
                case FuzzOp.GroupMod:
                    simulator.ApplyGroupMod(FuzzCase.Parser.ParseGroup(e.Lines[0]));
                    break;
                case FuzzOp.PortDown:
                case FuzzOp.PortUp:
                    simulator.SetPort(e.Port, e.Op == FuzzOp.PortUp);
                    break;
            }
        }
    }

    private void Check(Simulator simulator, string modification)
    {
        PipelineWork work = simulator.Pipeline.Work;
        ulong before = work.Translations, version = simulator.Pipeline.TablesVersion;
        int count = simulator.Datapath.Megaflows.Count;

        // What recirculation ids that have been forgotten since mean for megaflows is another matter.
        simulator.Datapath.Revalidator.RevalidateAll(simulator.NowMs);
        before = work.Translations;

        // Both at one moment: between them no recirculation id is forgotten.
        simulator.Datapath.ApplyFlowMods([FuzzCase.Parser.ParseFlow(modification)], simulator.NowMs);
        if (simulator.Pipeline.TablesVersion == version) return;
        _statistics.Add("modifications");
        _statistics.Add("megaflows at a modification", count);
        _statistics.Add("looked at", (long)(work.Translations - before));
        List<State> some = StateOf(simulator);
        ulong changed = simulator.Datapath.Revalidator.Stats.Changed;
        simulator.Datapath.Revalidator.RevalidateAll(simulator.NowMs);
        List<State> all = StateOf(simulator);
        Assert.True(changed == simulator.Datapath.Revalidator.Stats.Changed, $"{modification}: a megaflow that was not looked at had to change");
        Assert.Equal(some.Count, all.Count);
        for (int i = 0; i < all.Count; i++) Assert.True(some[i].IsSame(all[i]), $"{modification}: {some[i]} instead of {all[i]}");
    }

    private static List<State> StateOf(Simulator simulator)
        => [.. simulator.Datapath.Megaflows.All().Select(m => new State(m.Id, m.Generation, Convert.ToHexStringLower(m.Mask.Bytes), Convert.ToHexStringLower(m.Value.Bytes), m.Rules))];

    /// <summary>A megaflow; with its generation it has one program.</summary>
    private sealed record State(int Id, uint Generation, string Mask, string Value, OfRule[] Rules)
    {
        public bool IsSame(State other) => (Id, Generation, Mask, Value) == (other.Id, other.Generation, other.Mask, other.Value) && Rules.SequenceEqual(other.Rules);
    }

    private sealed class Nowhere : IOutputSink
    {
        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
        {
        }
    }
}
