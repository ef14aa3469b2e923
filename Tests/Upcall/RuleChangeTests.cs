using Xunit;

namespace Mergeflow.Tests;

/// <summary>What a flow modification costs, in translations: those of the megaflows that it may concern, not of all.</summary>
public sealed class RuleChangeTests
{
    private const int Megaflows = 2_000;

    /// <summary>Each destination is a megaflow of its own in tables 0 and 2; table 1 is there, and nobody visits it.</summary>
    private const string Flows =
        """
        table=0,priority=1,ip,actions=move:NXM_OF_IP_DST[]->NXM_NX_REG0[],mod_dl_src:02:00:00:00:00:77,resubmit(,2)
        table=1,priority=1,actions=output:3
        table=2,priority=1,ip,actions=output:2
        """;

    [Fact]
    public void A_rule_for_one_destination_has_one_megaflow_looked_at()
    {
        using Simulator s = Switch();
        const int adds = 500;
        for (int i = 0; i < adds; i++) Assert.Equal(1ul, TranslationsOf(s, $"add table=0,priority=5,ip,nw_dst={Address(i)},actions=output:3"));
        for (int i = 0; i < adds; i++) Assert.Equal(i < 250 ? 1ul : 0, TranslationsOf(s, $"delete_strict table=0,priority=5,ip,nw_dst={Address(i + 250)}"));
        for (int i = 0; i < 250; i++) Assert.Equal(1ul, TranslationsOf(s, $"modify_strict table=0,priority=5,ip,nw_dst={Address(i)},actions=output:4"));
        Assert.Equal((Megaflows, 250), (s.Datapath.Megaflows.Count, s.Datapath.Megaflows.All().Count(static m => m.Rules.Length == 1)));
    }

    [Theory]
    [InlineData("add table=1,priority=9,ip,actions=drop", 0)]
    [InlineData("add table=0,priority=9,ip,nw_dst=10.0.0.0/29,actions=drop", 8)]
    [InlineData("add table=2,priority=9,ip,nw_dst=10.0.0.0/29,actions=drop", 8)]
    [InlineData("add table=0,priority=9,ip,nw_dst=10.9.0.0/16,actions=drop", 0)]
    [InlineData("add table=0,priority=9,arp,actions=drop", 0)]
    [InlineData("add table=0,priority=9,in_port=2,actions=drop", 0)]
    [InlineData("add table=0,priority=9,in_port=1,actions=drop", Megaflows)]
    [InlineData("add table=0,priority=9,tcp,actions=drop", Megaflows)]
    [InlineData("add table=0,priority=9,reg0=5,actions=drop", Megaflows)]
    [InlineData("add table=0,priority=9,ip,nw_dst=10.0.0.7,actions=conjunction(1,1/2)", Megaflows)]
    [InlineData("delete table=2", Megaflows)]
    [InlineData("delete table=1", 0)]
    [InlineData("add table=2,priority=1,ip,actions=output:4", Megaflows)]

    // The source address is written before table 2: what table 0 says of it is not known there.
    [InlineData("add table=2,priority=9,dl_src=02:00:00:00:00:77,actions=drop", Megaflows)]
    [InlineData("add table=2,priority=9,dl_src=02:00:00:00:00:78,actions=drop", Megaflows)]
    public void What_a_rule_may_concern_is_looked_at(string modification, int expected)
    {
        using Simulator s = Switch();
        Assert.Equal((ulong)expected, TranslationsOf(s, modification));

        // The proof: all of them again, and nothing is found.
        ulong changed = s.Datapath.Revalidator.Stats.Changed;
        s.Revalidate();
        Assert.Equal(changed, s.Datapath.Revalidator.Stats.Changed);
    }

    /// <summary>
    /// Tables that see something else than the packet: the rule wants what the table sees, and the packet has another value there, which its megaflow's
    /// mask holds. An answer is sent behind the packet.
    /// </summary>
    [Theory]

    // Nobody has been found in the table so far.
    [InlineData("table=0,ip,actions=resubmit(,3),output:2", "table=3,ip,nw_dst=10.0.0.2,actions=output:4", false)]
    [InlineData("table=0,ip,actions=resubmit(,3),output:2\ntable=3,arp,actions=drop", "table=3,ip,nw_dst=10.0.0.2,actions=output:4", false)]

    // The first lookup sees another source address than the last one.
    [InlineData("table=0,ip,actions=clone(mod_nw_src:10.0.0.99,resubmit(,3)),resubmit(,2)\ntable=2,ip,nw_src=10.0.0.1,actions=output:2", "table=3,ip,nw_src=10.0.0.99,actions=output:4", false)]

    // Another port, as which the packet is resubmitted.
    [InlineData("table=0,ip,actions=resubmit(3,3),output:2", "table=3,in_port=3,actions=output:4", false)]

    // Fragments have no ports.
    [InlineData("table=0,udp,actions=move:NXM_OF_UDP_DST[]->NXM_NX_REG0[0..15],resubmit(,3),output:2", "table=3,udp,tp_dst=0,actions=output:4", true)]
    public void What_the_table_sees_is_what_counts(string flows, string added, bool isFragment)
    {
        using Simulator s = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3), ("p4", 4)], PacketCapacity = 64 }, new Nowhere());
        s.ApplyFlowMods(new FlowTextParser().ParseFlows(flows));
        byte[] frame = Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2, payload: 64);
        s.Receive(1, isFragment ? Frames.Fragment(frame, 40, 7)[0] : frame, 0);
        s.ProcessPending();
        AssertConcerns(s, added);
    }

    /// <summary>The same for a table that sees the connection's first tuple in the place of an answer's own.</summary>
    [Fact]
    public void The_tuple_that_a_table_sees_is_what_counts()
    {
        using Simulator s = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3), ("p4", 4)], PacketCapacity = 64 }, new Nowhere());
        s.ApplyFlowMods(new FlowTextParser().ParseFlows(
            """
            table=0,priority=9,ip,ct_state=-trk,actions=ct(table=1)
            table=1,priority=9,ip,ct_state=+trk+new,actions=ct(commit),output:2
            table=1,priority=9,ip,nw_dst=10.0.0.1,ct_state=+trk+est,actions=resubmit(,3,ct),output:1
            """));
        s.Receive(1, Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2), 0);
        s.Receive(2, Frames.Udp("10.0.0.2", 2, "10.0.0.1", 1), 1);
        s.ProcessPending();
        AssertConcerns(s, "table=3,ip,nw_dst=10.0.0.2,actions=output:4");
    }

    [Fact]
    public void What_else_changes_has_all_looked_at()
    {
        using Simulator s = Switch();
        ulong before = s.Pipeline.Work.Translations;
        s.ApplyGroupMod(new FlowTextParser().ParseGroup("group_id=1,type=all,bucket=output:2"));
        Assert.Equal((ulong)Megaflows, s.Pipeline.Work.Translations - before);

        // A change that nobody has looked at yet, and one more: the second does not hide the first.
        s.Pipeline.ApplyAll(new FlowTextParser().ParseFlows("add table=0,priority=7,ip,nw_dst=10.0.0.1,actions=drop"));
        Assert.Equal(1ul, TranslationsOf(s, "add table=1,priority=9,ip,actions=drop"));
        Assert.Equal(1, s.Datapath.Megaflows.All().Count(static m => m.Rules[0].Priority == 7));
    }

    /// <summary>A megaflow whose program is another now keeps what it has counted, and has seen no packet since: its rules' idle timeouts do not begin anew.</summary>
    [Fact]
    public void A_megaflow_that_was_translated_anew_has_not_been_used()
    {
        using Simulator s = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3)], PacketCapacity = 64, MaxRevalidatorMs = 1_000_000 }, new Nowhere());
        s.ApplyFlowMods(new FlowTextParser().ParseFlows("table=0,idle_timeout=10,ip,actions=resubmit(,1)\ntable=1,ip,actions=output:2"));
        s.Receive(1, Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2), 0);
        s.AdvanceTo(5_000);
        s.ApplyFlowMods(new FlowTextParser().ParseFlows("table=1,ip,actions=output:3"));
        Assert.Equal(1ul, Assert.Single(s.Datapath.DumpMegaflows(s.NowMs)).Packets);
        s.AdvanceTo(11_000);
        Assert.Equal(1, s.Pipeline.RuleCount);
    }

    /// <summary>A megaflow that gets the same program by way of another table is that table's from then on.</summary>
    [Fact]
    public void The_way_counts_that_a_megaflow_takes_now()
    {
        using Simulator s = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3), ("p4", 4)], PacketCapacity = 64 }, new Nowhere());
        s.ApplyFlowMods(new FlowTextParser().ParseFlows("table=0,ip,actions=resubmit(,2)\ntable=2,ip,actions=output:2\ntable=3,ip,actions=output:2"));
        s.Receive(1, Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2), 0);
        s.ProcessPending();
        ulong changed = s.Datapath.Revalidator.Stats.Changed;
        Assert.Equal(1ul, TranslationsOf(s, "modify table=0,ip,actions=resubmit(,3)"));
        Assert.Equal(changed, s.Datapath.Revalidator.Stats.Changed);
        Assert.Equal(0ul, TranslationsOf(s, "add table=2,priority=40000,ip,actions=drop"));
        AssertConcerns(s, "table=3,priority=40000,ip,actions=drop");
    }

    /// <summary>A learned address that has gone before the change and that nobody has looked at: who asked for it is looked at now.</summary>
    [Fact]
    public void A_change_does_not_hide_an_address_that_has_gone()
    {
        using Simulator s = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3), ("p4", 4)], PacketCapacity = 64 }, new Nowhere());
        s.ApplyFlowMods(new FlowTextParser().ParseFlows("table=0,actions=normal"));
        byte[] there = Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2), back = [.. there];
        there[5] = back[11] = 9;
        s.Receive(2, back, 0);
        s.Receive(1, there, 1);
        s.ProcessPending();
        ulong changed = s.Datapath.Revalidator.Stats.Changed;
        Assert.True(s.Pipeline.ForgetAged(1_000_000));
        Assert.NotEqual(0ul, TranslationsOf(s, "add table=1,priority=9,ip,actions=drop"));
        Assert.NotEqual(changed, s.Datapath.Revalidator.Stats.Changed);
    }

    /// <summary>Only those report that are looked at: before the rules go that handled their packets.</summary>
    [Fact]
    public void Who_is_looked_at_reports_before()
    {
        using Simulator s = Switch();
        for (int i = 0; i < Megaflows; i++) s.Receive(1, Frames.Udp("10.1.1.1", 1, Address(i), 2), i);
        s.ProcessPending();
        Assert.Equal((ulong)Megaflows, s.Datapath.Revalidator.Unpushed().Packets);
        Assert.Equal(0ul, TranslationsOf(s, "add table=1,priority=9,ip,actions=drop"));
        Assert.Equal((ulong)Megaflows, s.Datapath.Revalidator.Unpushed().Packets);
        OfRule[] rules = [.. s.Pipeline.Rules];
        Assert.Equal(1ul, TranslationsOf(s, "add table=0,priority=9,ip,nw_dst=10.0.0.7,actions=drop"));
        Assert.Equal((ulong)Megaflows - 1, s.Datapath.Revalidator.Unpushed().Packets);
        Assert.Equal((ulong)Megaflows - 1, TranslationsOf(s, "delete table=2"));
        Assert.Equal([2ul * Megaflows, 0ul, 0ul, 2ul * Megaflows], rules.Select(static r => r.Packets));
    }

    /// <summary>A megaflow that does the same as before by another rule: what it has counted until then is the old rule's.</summary>
    [Fact]
    public void Who_stays_by_another_rule_reports_to_the_one_before()
    {
        using Simulator s = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)], PacketCapacity = 64 }, new Nowhere());
        s.ApplyFlowMods(new FlowTextParser().ParseFlows("table=0,priority=1,ip,nw_dst=10.0.0.7,actions=output:2"));
        s.Receive(1, Frames.Udp("10.1.1.1", 1, Address(7), 2), 0);
        s.ProcessPending();
        OfRule before = Assert.Single(s.Pipeline.Rules);
        s.ApplyFlowMods(new FlowTextParser().ParseFlows("table=0,priority=9,ip,nw_dst=10.0.0.7,actions=output:2"));
        OfRule after = Assert.Single(s.Pipeline.Rules, r => r != before);
        Assert.Equal(1, s.Datapath.Megaflows.Count);
        s.Receive(1, Frames.Udp("10.1.1.1", 1, Address(7), 2), 1);
        s.ProcessPending();
        s.Settle();
        Assert.Equal((1ul, 1ul), (before.Packets, after.Packets));
    }

    /// <summary>Rules that time out are changes like others.</summary>
    [Fact]
    public void A_rule_that_times_out_has_its_megaflows_looked_at()
    {
        using Simulator s = Switch();
        s.ApplyFlowMods(new FlowTextParser().ParseFlows("hard_timeout=1,table=0,priority=9,ip,nw_dst=10.0.0.0/29,actions=drop"));
        ulong before = s.Pipeline.Work.Translations;
        s.AdvanceTo(1_500);
        Assert.Equal(8ul, s.Pipeline.Work.Translations - before);
        Assert.All(s.Datapath.Megaflows.All(), static m => Assert.Equal(2, m.Rules.Length));
    }

    /// <summary>The new rule is in a megaflow's way, and nothing is found when all are looked at behind it.</summary>
    /// <summary>Control works in slices, and orders come faster than all megaflows can be looked at: the index that says whom they concern is made nevertheless, and with it the doubts end.</summary>
    [Fact]
    public void Doubts_end_however_fast_changes_come()
    {
        using Simulator s = Switch();
        s.Datapath.WorkInSlices(static _ => new Slice(8));
        MegaflowRevalidator slices = s.Datapath.Pmds[0].Revalidator;
        var parser = new FlowTextParser();
        int inDoubt = 0;
        for (int i = 0; i < Megaflows; i++)
        {
            s.Datapath.ApplyFlowMods([parser.ParseFlow($"add table=0,priority=5,ip,nw_dst={Address(i)},actions=output:3")], s.NowMs);
            if (s.Datapath.Megaflows.IsInDoubt) inDoubt++;
            slices.Step(s.NowMs, Megaflows, out _);
        }

        Assert.InRange(inDoubt, 1, Megaflows / 2);
        Assert.False(s.Datapath.Megaflows.IsInDoubt);
        Assert.All(s.Datapath.Megaflows.All(), static m => Assert.Single(m.Rules));
    }

    private static void AssertConcerns(Simulator s, string added)
    {
        Revalidator revalidator = s.Datapath.Revalidator;
        ulong before = revalidator.Stats.Changed;
        Assert.Equal(1ul, TranslationsOf(s, "add " + added));
        Assert.Equal(before + 1, revalidator.Stats.Changed);
        s.Revalidate();
        Assert.Equal(before + 1, revalidator.Stats.Changed);
    }

    private static ulong TranslationsOf(Simulator s, string modification)
    {
        ulong before = s.Pipeline.Work.Translations;
        s.ApplyFlowMods(new FlowTextParser().ParseFlows(modification));
        return s.Pipeline.Work.Translations - before;
    }

    private static Simulator Switch()
    {
        Simulator s = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3), ("p4", 4)], PacketCapacity = 64 }, new Nowhere());
        s.ApplyFlowMods(new FlowTextParser().ParseFlows(Flows));
        for (int i = 0; i < Megaflows; i++) s.Receive(1, Frames.Udp("10.1.1.1", 1, Address(i), 2), i);
        s.ProcessPending();
        Assert.Equal(Megaflows, s.Datapath.Megaflows.Count);
        return s;
    }

    private static string Address(int i) => $"10.0.{i >> 8}.{i & 255}";

    private sealed class Nowhere : IOutputSink
    {
        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
        {
        }
    }
}
