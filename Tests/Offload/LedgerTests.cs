using Mergeflow.Native;
using Xunit;
using static Mergeflow.Tests.CtBench;
using static Mergeflow.Tests.Frames;

namespace Mergeflow.Tests;

/// <summary>Whose packets are they? Credits that come late, slots that are wanted again, rules that take over.</summary>
public sealed class LedgerTests
{
    private const string TwoZones =
        """
        table=0,priority=9,udp,in_port=1 actions=ct(table=1,zone=5)
        table=0,priority=9,udp,in_port=2 actions=ct(table=3,zone=6)
        table=1,priority=9,ct_state=+trk+new,udp actions=ct(commit,zone=5),ct(table=2,zone=6)
        table=1,priority=8,ct_state=+trk+est,udp actions=ct(table=2,zone=6)
        table=2,priority=9,ct_state=+trk+new,udp actions=ct(commit,zone=6),output:2
        table=2,priority=8,ct_state=+trk+est,udp actions=output:2
        table=3,priority=8,udp actions=ct(table=4,zone=5)
        table=4,priority=8,udp actions=output:1
        """;

    /// <summary>Packets from port 1 meet their connection twice: as they are, and (from table 2 on) behind a tag or turned round. Table 4 is a zone of its own behind both.</summary>
    private const string Twice =
        """
        table=0,priority=9,udp,in_port=1 actions=ct(table=1,zone=5)
        table=0,priority=9,udp,in_port=2 actions=ct(table=5,zone=5)
        table=1,priority=9,ct_state=+trk+new,udp actions=ct(commit,zone=5),output:2
        table=1,priority=8,ct_state=+trk+est,udp actions=BETWEEN,ct(table=2,zone=5)
        table=2,priority=9,udp actions=BEHIND
        table=4,priority=9,ct_state=+trk+new,udp actions=ct(commit,zone=6),output:2
        table=4,priority=8,ct_state=+trk+est,udp actions=output:2
        table=5,priority=9,udp actions=set_field:10.0.0.1->nw_src,set_field:10.0.0.2->nw_dst,set_field:1000->udp_src,set_field:53->udp_dst,ct(table=6,zone=6)
        table=6,priority=9,udp actions=output:1
        """;

    private const string Turned = "set_field:10.0.0.2->nw_src,set_field:10.0.0.1->nw_dst,set_field:53->udp_src,set_field:1000->udp_dst";

    public static TheoryData<OffloadMode> Modes => [OffloadMode.None, OffloadMode.Soft, OffloadMode.Nic];

    /// <summary>m31: while a rule can still be credited for a deleted megaflow, nobody else gets its slot.</summary>
    [Fact]
    public void A_pinned_slot_gets_no_other_megaflow_and_reports_what_came_late()
    {
        using PipelineBed bed = new("udp,actions=output:2");
        using MegaflowTable table = new(8, new QuiescentState());
        List<(int Id, ulong Packets)> reported = [];
        table.Reclaiming = m => reported.Add((m.Id, table.CountersOf(m).Packets));
        FlowKey key = PipelineBed.Udp();
        bed.Translator.Translate(ref key, 60, bed.Result, 0);
        Megaflow first = table.Add(ref key, ref bed.Result.Mask, UpcallHandler.ProgramOf(bed.Result), 0)!;
        uint generation = first.Generation;
        Assert.True(table.TryRetain(first.Id, generation));
        table.Delete(first);
        table.Reclaim();
        Megaflow second = table.Add(ref key, ref bed.Result.Mask, UpcallHandler.ProgramOf(bed.Result), 0)!;
        Assert.NotEqual(first.Id, second.Id);
        table.Credit(first.Id, generation, 3, 180, 5);
        Assert.Equal(0ul, table.CountersOf(second).Packets);
        Assert.Empty(reported);
        table.Release(first.Id, generation);
        table.Reclaim();
        Assert.Equal([(first.Id, 3ul)], reported);
        Assert.False(table.TryRetain(first.Id, generation));
        Assert.Equal(first.Id, table.Add(ref key, ref bed.Result.Mask, UpcallHandler.ProgramOf(bed.Result), 0)!.Id);
    }

    /// <summary>The same of connections.</summary>
    [Fact]
    public void A_marked_slot_gets_no_other_connection()
    {
        using var b = new CtBench(new ConntrackOptions { Seed = 7, CapacityConnections = 1 });
        b.OpenTcp();
        CtVerdict open = b.Last;
        b.Ct.Offload.MarkOffloaded(open.ConnId);
        b.Ct.FlushAll();
        Assert.Equal(0, b.Ct.Count);
        b.Send(Udp("10.0.0.9", 1, "10.0.0.8", 2), Commit());
        Assert.Equal((0, 1ul), (b.Ct.Count, b.Ct.RefusedConnections));
        b.Ct.Offload.Credit(open.ConnId, open.Generation, reply: false, packets: 3, bytes: 180, lastUsedMs: b.NowMs);
        b.Ct.Offload.UnmarkOffloaded(open.ConnId);
        b.Send(Udp("10.0.0.9", 1, "10.0.0.8", 2), Commit());
        ConnInfo next = b.TheConnection();
        Assert.Equal((open.ConnId, 1ul, 0ul), (next.Id, next.OrigPackets, next.ReplyPackets));
    }

    /// <summary>m28: what hardware counted last does not bring an expired connection back that still holds its reply tuple.</summary>
    [Fact]
    public void Credit_does_not_revive_a_ghost()
    {
        using var b = new CtBench(new ConntrackOptions { Seed = 7, CapacityConnections = 64, SweepMs = 3_600_000 });
        DpCt snat = Nat(NatKind.Src, "198.51.100.1");
        b.Send(Udp("10.0.0.1", 1000, "203.0.113.9", 53), snat);
        b.Send(Udp("203.0.113.9", 53, "198.51.100.1", 1000), Lookup(nat: true));
        b.Send(Udp("10.0.0.1", 1000, "203.0.113.9", 53), Lookup(nat: true));
        CtVerdict open = b.Last;
        Assert.True(b.Ct.Offload.IsOffloadable(open.ConnId, open.Generation));
        b.NowMs += 600_000;
        byte[] answer = Udp("203.0.113.9", 53, "198.51.100.1", 1000);
        Assert.Equal(CtBench.Invalid, b.Send(answer, Lookup(nat: true)));
        b.Ct.Offload.Credit(open.ConnId, open.Generation, reply: false, packets: 2, bytes: 120, lastUsedMs: b.NowMs);
        Assert.Empty(b.Ct.Snapshot(b.NowMs));
        Assert.Equal(CtBench.Invalid, b.Send(answer, Lookup(nat: true)));
    }

    /// <summary>m29: the second connection of a rule refuses; the first must not have counted the packet, as software is going to.</summary>
    [Fact]
    public void A_packet_that_the_second_connection_refuses_is_counted_once()
    {
        using OffloadedSwitch s = new(OffloadMode.Soft, TwoZones);
        byte[] there = NicFrame.UdpIpv4(), back = NicFrame.UdpIpv4(53, 1000, "10.0.0.2", "10.0.0.1");
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal([2u], s.Send(1, there));
            Assert.Equal([1u], s.Send(2, back));
        }

        ulong hits = s.Simulator.Datapath.Pmd.Stats.MergedHits;
        Assert.Equal([2u], s.Send(1, there));
        Assert.Equal(hits + 1, s.Simulator.Datapath.Pmd.Stats.MergedHits);
        Assert.Contains(s.Offload.Report.Rules(), static r => r.Conns.Length == 2);
        ulong before = Assert.Single(s.Simulator.Datapath.Conntrack.Snapshot(s.Simulator.NowMs), static c => c.Zone == 5).OrigPackets;

        // Not through the simulator, which would have the rule taken out before the next packet.
        s.Simulator.Datapath.Conntrack.FlushZone(6);
        s.Send(1, there);
        Assert.Equal(hits + 1, s.Simulator.Datapath.Pmd.Stats.MergedHits);
        Assert.Equal(before + 1, Assert.Single(s.Simulator.Datapath.Conntrack.Snapshot(s.Simulator.NowMs), static c => c.Zone == 5).OrigPackets);
    }

    /// <summary>One connection twice in a chain: each visit counts, at the length and in the direction that it has there.</summary>
    [Theory]
    [InlineData(OffloadMode.Soft, "push_vlan:0x8100,ct_clear")]
    [InlineData(OffloadMode.Nic, "push_vlan:0x8100,ct_clear")]
    [InlineData(OffloadMode.Soft, Turned)]
    [InlineData(OffloadMode.Nic, Turned)]
    public void The_same_connection_twice_in_a_chain_is_counted_twice(OffloadMode mode, string between)
    {
        string flows = Twice.Replace("BETWEEN", between, StringComparison.Ordinal).Replace("BEHIND", "output:2", StringComparison.Ordinal);
        ConnInfo expected = Assert.Single(Play(OffloadMode.None, flows, out _), static c => c.Zone == 5);
        ConnInfo seen = Assert.Single(Play(mode, flows, out MergedConn[] conns), static c => c.Zone == 5);
        Assert.Equal(CountsOf(expected), CountsOf(seen));
        if (between == Turned) Assert.Equal([(1, 0), (1, 0)], conns.Select(static c => (c.Multiplicity, c.LengthDeltaBytes)));
        else Assert.Equal([(2, 4)], conns.Select(static c => (c.Multiplicity, c.LengthDeltaBytes)));
        Assert.All(conns, c => Assert.Equal(seen.Id, c.ConnId));

        static ConnInfo[] Play(OffloadMode mode, string flows, out MergedConn[] conns)
        {
            using OffloadedSwitch s = new(mode, flows);
            for (int i = 0; i < 5; i++)
            {
                Assert.Equal([2u], s.Send(1, NicFrame.UdpIpv4()));
                Assert.Equal([1u], s.Send(2, NicFrame.UdpIpv4(53, 1000, "10.0.0.2", "10.0.0.1")));
            }

            // One at least by hardware.
            ulong hits = mode == OffloadMode.None ? 0 : s.Hits;
            Assert.Equal([2u], s.Send(1, NicFrame.UdpIpv4()));
            Assert.True(mode == OffloadMode.None || s.Hits == hits + 1);
            conns = mode == OffloadMode.None ? [] : Assert.Single(s.Offload.Report.Rules(), static r => r.Ports[0] == 1).Conns;
            s.Simulator.Settle();
            return [.. s.Simulator.Datapath.Conntrack.Snapshot(s.Simulator.NowMs)];
        }
    }

    /// <summary>What both visits have counted is taken back when a connection behind them refuses.</summary>
    [Fact]
    public void Both_visits_of_a_connection_are_taken_back()
    {
        string flows = Twice.Replace("BETWEEN", Turned, StringComparison.Ordinal).Replace("BEHIND", "ct(table=4,zone=6)", StringComparison.Ordinal);
        using OffloadedSwitch s = new(OffloadMode.Soft, flows);

        for (int i = 0; i < 6; i++)
        {
            s.Send(1, NicFrame.UdpIpv4());
            s.Send(2, NicFrame.UdpIpv4(53, 1000, "10.0.0.2", "10.0.0.1"));
        }

        ulong hits = s.Simulator.Datapath.Pmd.Stats.MergedHits;
        (ulong, ulong, ulong, ulong) first = Zone5();
        s.Send(1, NicFrame.UdpIpv4());
        Assert.Equal(hits + 1, s.Simulator.Datapath.Pmd.Stats.MergedHits);
        Assert.Contains(s.Offload.Report.Rules(), static r => r.Conns.Length == 3);
        ulong bytes = (ulong)NicFrame.UdpIpv4().Length;
        Assert.Equal((first.Item1 + 1, first.Item2 + bytes, first.Item3 + 1, first.Item4 + bytes), Zone5());

        // Not through the simulator, which would have the rule taken out before the next packet.
        s.Simulator.Datapath.Conntrack.FlushZone(6);
        s.Send(1, NicFrame.UdpIpv4());
        Assert.Equal(hits + 1, s.Simulator.Datapath.Pmd.Stats.MergedHits);
        Assert.Equal((first.Item1 + 2, first.Item2 + (2 * bytes), first.Item3 + 2, first.Item4 + (2 * bytes)), Zone5());

        (ulong, ulong, ulong, ulong) Zone5() => CountsOf(Assert.Single(s.Simulator.Datapath.Conntrack.Snapshot(s.Simulator.NowMs), static c => c.Zone == 5));
    }

    private static (ulong, ulong, ulong, ulong) CountsOf(ConnInfo c) => (c.OrigPackets, c.OrigBytes, c.ReplyPackets, c.ReplyBytes);

    /// <summary>m37: one rule, nothing but the aging poller.</summary>
    [Fact]
    public void The_aging_poller_reads_a_single_rule()
    {
        using Chain chain = Chain.Tracked(Chain.Tcp());
        FakeLedger ledger = new(chain.Flows);
        SoftOffloadProvider provider = new(16);
        PmdOffload pmd = new(provider.Tables[0]);
        using OffloadThread thread = new(pmd, chain.Flows, ledger, ledger, provider);
        chain.Submit(pmd);
        thread.Step(0);
        AgingThread aging = new(thread);
        for (int i = 1; i <= 3; i++)
        {
            Assert.True(provider.Tables[0].TryHit(Chain.Tcp(), 100, i * 1000));
            aging.Step(i * 1000);
            Assert.Equal(((ulong)i, (ulong)i * 100), (thread.Stats.Hits, thread.Stats.HitBytes));
        }
    }

    /// <summary>A device that is read between its two counters: the bytes come with the next reading, although no packet does.</summary>
    [Fact]
    public void Bytes_of_the_last_packet_are_not_lost_when_they_are_read_late()
    {
        using Chain chain = Chain.Tracked(Chain.Tcp());
        FakeLedger ledger = new(chain.Flows);
        SoftOffloadProvider device = new(16);
        WatchedProvider provider = new(device) { Reading = static c => c with { Bytes = 0 } };
        PmdOffload pmd = new(device.Tables[0]);
        using OffloadThread thread = new(pmd, chain.Flows, ledger, ledger, provider);
        chain.Submit(pmd);
        thread.Step(0);
        Assert.True(device.Tables[0].TryHit(Chain.Tcp(), 100, 1));
        thread.Credit(1);
        Assert.Equal((1ul, 0ul), (thread.Stats.Hits, thread.Stats.HitBytes));
        provider.Reading = null;
        thread.Credit(2);
        Assert.Equal((1ul, 100ul), (thread.Stats.Hits, thread.Stats.HitBytes));
        Assert.All(ledger.Megaflows.Values, static m => Assert.Equal((1ul, 100ul), (m.Packets, m.Bytes)));
        thread.Credit(3);
        Assert.Equal(100ul, thread.Stats.HitBytes);
    }

    /// <summary>Megaflows push bytes that came without a packet.</summary>
    [Fact]
    public void Bytes_that_are_credited_late_reach_the_OpenFlow_rule()
    {
        using OffloadedSwitch s = new(OffloadMode.Soft, "cookie=0x1,udp actions=output:2");
        s.Send(1, NicFrame.UdpIpv4());
        Engine.Runtime.Datapath d = s.Simulator.Datapath;
        Megaflow m = Assert.Single(d.Megaflows.All());
        d.Settle(0);
        OfRule rule = Assert.Single(s.Simulator.Pipeline.Rules);
        (ulong packets, ulong bytes) = (rule.Packets, rule.Bytes);
        d.Megaflows.Credit(m.Id, m.Generation, 2, 100, 0);
        d.Settle(0);
        d.Megaflows.Credit(m.Id, m.Generation, 0, 20, 0);
        d.Settle(0);
        Assert.Equal((packets + 2, bytes + 120), (rule.Packets, rule.Bytes));
    }

    /// <summary>Packets are counted for the rule that handled them, whatever happens to it in the same instant, before anything was pushed.</summary>
    [Theory]
    [MemberData(nameof(Modes))]
    public void A_rule_that_takes_over_gets_none_of_the_packets_before(OffloadMode mode)
    {
        foreach (string change in new[] { "priority=20,cookie=0x9,udp actions=output:3", "priority=20,cookie=0x9,udp actions=output:2" })
        {
            using OffloadedSwitch s = new(mode, "priority=10,cookie=0x1,udp actions=output:2\npriority=0,cookie=0x2 actions=output:2");
            for (int i = 0; i < 6; i++) s.Send(1, NicFrame.UdpIpv4());
            s.Simulator.Datapath.ApplyFlowMods(new FlowTextParser().ParseFlows(change), 0);
            for (int i = 0; i < 2; i++) s.Send(1, NicFrame.UdpIpv4());
            s.Simulator.Settle();
            Assert.Equal([(1ul, 6ul), (2ul, 0ul), (9ul, 2ul)], s.Simulator.Pipeline.Rules.Select(static r => (r.Cookie, r.Packets)).Order());
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_rule_behind_one_that_is_deleted_gets_none_of_its_packets(OffloadMode mode)
    {
        using OffloadedSwitch s = new(mode, "priority=10,cookie=0x1,udp actions=output:2\npriority=0,cookie=0x2 actions=output:2");
        for (int i = 0; i < 6; i++) s.Send(1, NicFrame.UdpIpv4());
        OfRule deleted = s.Simulator.Pipeline.Rules.First();
        s.Simulator.Datapath.ApplyFlowMods([Assert.Single(new FlowTextParser().ParseFlows("delete_strict priority=10,udp"))], 0);
        for (int i = 0; i < 2; i++) s.Send(1, NicFrame.UdpIpv4());
        s.Simulator.Settle();
        Assert.Equal((6ul, 2ul), (deleted.Packets, Assert.Single(s.Simulator.Pipeline.Rules).Packets));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_rule_that_expires_keeps_its_packets(OffloadMode mode)
    {
        using OffloadedSwitch s = new(mode, "priority=10,hard_timeout=1,cookie=0x1,udp actions=output:2\npriority=0,cookie=0x2 actions=output:2");
        for (int i = 0; i < 6; i++) s.Send(1, NicFrame.UdpIpv4());
        OfRule expired = s.Simulator.Pipeline.Rules.First();
        s.AdvanceTo(1000);
        Assert.Single(s.Simulator.Pipeline.Rules);
        for (int i = 0; i < 2; i++) s.Send(1, NicFrame.UdpIpv4());
        s.Simulator.Settle();
        Assert.Equal((6ul, 2ul), (expired.Packets, Assert.Single(s.Simulator.Pipeline.Rules).Packets));
    }

    /// <summary>Before a rule is taken for idle its megaflows are asked, those that are on their way out too, and the device before them.</summary>
    [Theory]
    [InlineData(OffloadMode.Soft, false)]
    [InlineData(OffloadMode.Nic, false)]
    [InlineData(OffloadMode.Soft, true)]
    public void A_rule_whose_packets_a_device_has_counted_is_not_idle(OffloadMode mode, bool purge)
    {
        using OffloadedSwitch s = new(mode, "priority=10,idle_timeout=2,udp actions=output:2\npriority=0 actions=output:2");
        Engine.Runtime.Datapath d = s.Simulator.Datapath;
        for (int i = 0; i < 4; i++) s.Send(1, NicFrame.UdpIpv4());
        s.AdvanceTo(1500);
        ulong hits = s.Hits;
        s.Send(1, NicFrame.UdpIpv4());

        // Not through the simulator, which would have the device read before.
        if (purge) d.Revalidator.Purge(1500);
        d.Revalidator.Step(2500);
        Assert.Equal(2, d.Pipeline.RuleCount);
        Assert.Equal(hits + 1, s.Hits);
        d.Revalidator.Step(3600);
        Assert.Equal(1, d.Pipeline.RuleCount);
    }

    /// <summary>A rule that is replaced hands its counters on, with what had not been pushed; one that is modified keeps them.</summary>
    [Theory]
    [MemberData(nameof(Modes))]
    public void Counters_go_on_where_a_rule_is_replaced_or_modified(OffloadMode mode)
    {
        foreach (string change in new[] { "priority=10,cookie=0x1,udp actions=output:3", "modify priority=10,udp actions=output:3" })
        {
            using OffloadedSwitch s = new(mode, "priority=10,cookie=0x1,udp actions=output:2");
            for (int i = 0; i < 6; i++) s.Send(1, NicFrame.UdpIpv4());
            s.Simulator.Datapath.ApplyFlowMods(new FlowTextParser().ParseFlows(change), 0);
            Assert.Equal([3u], s.Send(1, NicFrame.UdpIpv4()));
            s.Simulator.Settle();
            Assert.Equal(7ul, Assert.Single(s.Simulator.Pipeline.Rules).Packets);
        }
    }
}
