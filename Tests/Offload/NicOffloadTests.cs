using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;
using static Mergeflow.Tests.Chain;

namespace Mergeflow.Tests;

/// <summary>Merged rules in the emulated NIC: its own parser and matcher against the merge.</summary>
public sealed class NicOffloadTests
{
    private const long NsPerMs = 1_000_000;

    private sealed class Rig : IDisposable
    {
        private readonly NicRxQueue _queue;

        public Rig(Chain chain, string profile = "ideal", FaultPlan? faults = null)
        {
            Chain = chain;
            Ledger = new FakeLedger(chain.Flows);
            Nic = new EmulatedNic(NicProfile.Load(profile), new NicOptions { Faults = faults ?? FaultPlan.None });
            _queue = Nic.OpenRxQueue();
            Pmd = new PmdOffload(null);
            Thread = new OffloadThread(Pmd, chain.Flows, Ledger, Ledger, new NicOffloadProvider(Nic));
        }

        public Chain Chain { get; }

        public FakeLedger Ledger { get; }

        public EmulatedNic Nic { get; }

        public PmdOffload Pmd { get; }

        public OffloadThread Thread { get; }

        public MergedFlow Install(long nowMs = 0)
        {
            Chain.Submit(Pmd);
            Thread.Step(nowMs);
            return Assert.Single(Thread.Report.Rules());
        }

        /// <summary>Outputs of a frame; null if it went to software.</summary>
        public List<(uint Port, byte[] Frame)>? Receive(byte[] frame, long nowMs, uint port = 1)
        {
            byte[] buffer = new byte[NicRxQueue.HeadroomBytes + frame.Length + 64];
            frame.CopyTo(buffer, NicRxQueue.HeadroomBytes);
            NicSink sink = new([]);
            bool hit = _queue.Receive(port, buffer, NicRxQueue.HeadroomBytes, frame.Length, nowMs * NsPerMs, ref sink, out _);
            return hit ? sink.Sent : null;
        }

        public void Dispose()
        {
            Thread.Dispose();
            Nic.Dispose();
            Chain.Dispose();
        }
    }

    private static CtVerdict Snat()
    {
        CtVerdict v = Established();
        v.State |= CtState.SNat;
        v.Translated = true;
        v.SrcAfter = Ipv6Address.FromUInt128(((UInt128)0xc0a80001) << 96);
        v.DstAfter = Ipv6Address.FromUInt128(((UInt128)0x0a000002) << 96);
        v.TpSrcAfter = Be16.FromHost(4000);
        v.TpDstAfter = Be16.FromHost(80);
        return v;
    }

    [Fact]
    public void A_tracked_and_translated_chain_is_one_exact_match_rule()
    {
        using Rig r = new(Tracked(Tcp(), Snat()));
        MergedFlow rule = r.Install();
        Assert.Equal(MergedFlowState.Active, rule.State);
        Assert.Equal(1, r.Nic.ExactMatchCount);
        (uint port, byte[] frame) = Assert.Single(r.Receive(NicFrame.TcpIpv4(), 1)!);
        Assert.Equal(2u, port);
        Assert.Equal(NicFrame.TcpIpv4(src: 4000, from: "192.168.0.1"), frame);
    }

    [Fact]
    public void What_would_open_close_break_or_cut_a_connection_goes_to_software()
    {
        using Rig r = new(Tracked(Tcp()));
        r.Install();
        Assert.NotNull(r.Receive(NicFrame.TcpIpv4(), 1));
        foreach (byte flags in new byte[] { 0x11, 0x14, 0x12, 0x02, 0x00 }) Assert.Null(r.Receive(NicFrame.TcpIpv4(flags: flags), 1));
        byte[] badIp = NicFrame.TcpIpv4();
        badIp[24] ^= 1;
        Assert.Null(r.Receive(badIp, 1));
        byte[] badL4 = NicFrame.TcpIpv4();
        badL4[^1] ^= 1;
        Assert.Null(r.Receive(badL4, 1));
        byte[] fragment = NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", 6, NicFrame.TcpSegment(1000, 80, 0x10, 10), fragment: 0x2000);
        Assert.Null(r.Receive(fragment, 1));
        Assert.Null(r.Receive(NicFrame.TcpIpv4(), 1, port: 4));
        byte[] segment = NicFrame.TcpSegment(1000, 80, 0x10, 10);
        segment[12] = 0xf0;
        Assert.Null(r.Receive(NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", 6, segment), 1));
    }

    [Fact]
    public void An_untracked_chain_is_a_wildcard_rule_that_keeps_untagged()
    {
        FlowKey packet = Tcp();
        FlowKey mask = BaseMask;
        mask.Vlan0Tci = Be16.FromHost(0x1000);
        mask.NwDst = Ip("255.255.255.0");
        Chain c = new(packet);
        c.Pass(packet, mask, 0, PushVlan(7), Output(2));
        using Rig r = new(c);
        r.Install();
        Assert.Equal(1, r.Nic.WildcardCount);
        Assert.Null(r.Receive(NicFrame.New().Vlan(5).Ipv4("10.0.0.1", "10.0.0.2", 6, NicFrame.TcpSegment(1, 2, 2, 0)), 1));
        Assert.Null(r.Receive(NicFrame.TcpIpv4(to: "10.0.1.2"), 1));
        byte[] sent = Assert.Single(r.Receive(NicFrame.UdpIpv4(to: "10.0.0.77"), 1)!).Frame;
        Assert.Equal(NicFrame.New().Vlan(7).Ipv4("10.0.0.1", "10.0.0.77", 17, NicFrame.UdpDatagram(1000, 53, 10)), sent);
    }

    [Fact]
    public void A_field_that_a_NIC_cannot_match_is_named()
    {
        FlowKey packet = Tcp();
        packet.NwProto = IpProto.Sctp;
        FlowKey mask = BaseMask;
        mask.NwProto = 0xff;
        mask.TpDst = new Be16(0xffff);
        Chain c = new(packet);
        c.Pass(packet, mask, 0, Output(2));
        using Rig r = new(c);
        c.Submit(r.Pmd);
        r.Thread.Step(0);
        Assert.Empty(r.Thread.Report.Rules());
        Refusal refusal = Assert.Single(r.Thread.Report.Explain(packet).Refusals);
        Assert.Equal((OffloadReason.UnsupportedMatch, "tcp_dst"), (refusal.Reason, refusal.Detail));
    }

    [Theory]
    [InlineData("no-nat", OffloadReason.UnsupportedAction)]
    [InlineData("no-tcp-flags-match", OffloadReason.UnsupportedMatch)]
    public void A_device_that_lacks_something_is_asked_before(string profile, OffloadReason reason)
    {
        using Rig r = new(Tracked(Tcp(), Snat()), profile);
        r.Chain.Submit(r.Pmd);
        r.Thread.Step(0);
        Assert.Equal(1ul, r.Thread.Stats.Refused.Packets(reason));
        Assert.Equal(0, r.Nic.RuleCount);
    }

    [Fact]
    public void UDP_hits_refresh_the_connection_as_of_the_last_one()
    {
        FlowKey packet = Tcp(dport: 53);
        packet.NwProto = IpProto.Udp;
        packet.TcpFlags = default;
        using Rig r = new(Tracked(packet));
        MergedFlow rule = r.Install();
        byte[] frame = NicFrame.UdpIpv4();
        Assert.NotNull(r.Receive(frame, 500));
        Assert.NotNull(r.Receive(frame, 700));
        r.Thread.Settle(900);
        Assert.Equal((2ul, 2ul * (ulong)frame.Length, 700L), r.Ledger.Conns[(7, false)]);
        Assert.All(rule.Passes, p => Assert.Equal(2ul, r.Ledger.Megaflows[p.MegaflowId].Packets));
    }

    [Fact]
    public void Final_counters_are_harvested_once_when_a_rule_dies()
    {
        using Rig r = new(Tracked(Tcp()), "slow-insert");
        r.Chain.Submit(r.Pmd);
        r.Thread.Step(0);
        r.Thread.Step(400);
        MergedFlow rule = Assert.Single(r.Thread.Report.Rules());
        byte[] frame = NicFrame.TcpIpv4();
        Assert.NotNull(r.Receive(frame, 500));
        r.Thread.OnMegaflowDeleted(rule.Passes[0].MegaflowId);
        Assert.NotNull(r.Receive(frame, 500));
        r.Thread.AcknowledgeRemoval(500);
        Assert.Null(r.Receive(frame, 500));
        Assert.Empty(r.Thread.Report.Rules());
        r.Thread.Settle(600);
        Assert.All(rule.Passes, p => Assert.Equal(2ul, r.Ledger.Megaflows[p.MegaflowId].Packets));
        Assert.All(r.Ledger.Retained.Values, static v => Assert.Equal(0, v));
    }

    [Fact]
    public void A_rule_revoked_while_it_is_being_created_never_stays()
    {
        using Rig r = new(Tracked(Tcp()), "slow-insert");
        MergedFlow rule = r.Install();
        Assert.Equal(MergedFlowState.Installing, rule.State);
        r.Thread.OnMegaflowDeleted(rule.Passes[0].MegaflowId);
        r.Thread.AcknowledgeRemoval(0);
        Assert.Equal(MergedFlowState.Dead, rule.State);
        Assert.Equal(0, r.Nic.RuleCount);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Lost_late_doubled_and_refused_answers_lose_no_packet(int seed)
    {
        FaultPlan faults = new()
        {
            Seed = (ulong)seed,
            LoseCompletionChance = 0.3,
            DuplicateCompletionChance = 0.3,
            DelayCompletionChance = 0.3,
            DelayCompletionMaxMs = 3000,
            RefuseEveryNthCreate = 5,
        };
        using Rig r = new(Tracked(Tcp()), faults: faults);
        byte[] frame = NicFrame.TcpIpv4();
        ulong hits = 0;
        long now = 0;
        for (int round = 0; round < 60; round++)
        {
            r.Chain.Submit(r.Pmd, flowHash: (ulong)round);
            for (int i = 0; i < 5; i++, now += 400)
            {
                r.Thread.Step(now);
                if (r.Receive(frame, now) is not null) hits++;
            }

            r.Thread.RevokeAll();
        }

        for (int i = 0; i < 10; i++, now += 1000) r.Thread.Step(now);
        r.Thread.Settle(now);
        Assert.Empty(r.Thread.Report.Rules());
        Assert.True(hits > 50, $"only {hits} hits");
        Assert.Equal(hits, r.Thread.Stats.Hits);
        Assert.All(r.Ledger.Megaflows.Values, v => Assert.Equal(hits, v.Packets));
        Assert.Equal(hits, r.Ledger.Conns[(7, false)].Packets);
        Assert.All(r.Ledger.Retained.Values, static v => Assert.Equal(0, v));
    }

    [Fact]
    public void A_reset_device_is_credited_what_it_had_and_filled_again()
    {
        using Rig r = new(Tracked(Tcp()), faults: new FaultPlan { ResetsAtMs = [100] });
        MergedFlow rule = r.Install();
        Assert.NotNull(r.Receive(NicFrame.TcpIpv4(), 50));
        r.Thread.Step(200);
        Assert.Equal((MergedFlowState.Dead, OffloadReason.DeviceReset), (rule.State, rule.Reason));
        Assert.All(rule.Passes, p => Assert.Equal(1ul, r.Ledger.Megaflows[p.MegaflowId].Packets));
        r.Chain.Submit(r.Pmd);
        r.Thread.Step(201);
        Assert.Equal(MergedFlowState.Active, Assert.Single(r.Thread.Report.Rules()).State);
    }

    [Fact]
    public void A_tiny_table_evicts_and_stays_within_its_templates()
    {
        Chain c = Tracked(Tcp());
        using Rig r = new(c, "tiny");
        for (ushort i = 0; i < 40; i++)
        {
            Chain other = new(Tcp(sport: (ushort)(2000 + i)));
            Array.Copy(c.Trace.Passes, other.Trace.Passes, c.Trace.PassCount);
            other.Trace.PassCount = c.Trace.PassCount;
            other.Ct(0, Established(100 + i));
            other.Submit(r.Pmd, i);
            r.Thread.Step(i * 1000);
            other.Dispose();
        }

        Assert.Equal(16, r.Nic.Profile.ExactMatchEntries);
        Assert.InRange(r.Nic.ExactMatchCount, 15, 16);
        Assert.True(r.Thread.Stats.Evicted >= 10, $"{r.Thread.Stats.Evicted} evicted");
        Assert.Equal(1, r.Nic.TemplateCount);
    }

    [Fact]
    public void A_rewritten_tag_leaves_without_its_drop_bit()
    {
        FlowKey packet = Tcp();
        packet.Vlan0Tci = Be16.FromHost(0x1005);
        FlowKey mask = BaseMask;
        mask.Vlan0Tci = Be16.FromHost(0x1fff);
        DpAction set = new() { Op = DpOp.SetVlan };
        set.Vlan.Tci = Be16.FromHost(0x0009);
        set.Vlan.TciMask = Be16.FromHost(0x0fff);
        Chain c = new(packet);
        c.Pass(packet, mask, 0, set, Output(2));
        using Rig r = new(c);
        r.Install();
        byte[] l4 = NicFrame.UdpDatagram(1, 2, 4);
        byte[] sent = Assert.Single(r.Receive(NicFrame.New().Vlan(0x7005).Ipv4("10.0.0.1", "10.0.0.2", 17, l4), 1)!).Frame;
        Assert.Equal(NicFrame.New().Vlan(0x6009).Ipv4("10.0.0.1", "10.0.0.2", 17, l4), sent);
    }

    [Fact]
    public void IPv6_and_a_mirror_are_translated()
    {
        FlowKey packet = Tcp();
        packet.DlType = Be16.FromHost(EthType.Ipv6);
        packet.NwSrc = packet.NwDst = default;
        packet.Ipv6Src = Ipv6Address.FromUInt128(UInt128.Parse("336294682933583715844663186250927177729"));
        packet.Ipv6Dst = Ipv6Address.FromUInt128(UInt128.Parse("336294682933583715844663186250927177730"));
        DpAction set = new() { Op = DpOp.SetEth };
        set.Eth.Dst = EthAddress.FromUInt64(0x0a0000000009);
        set.Eth.DstMask = EthAddress.FromUInt64(0xffffffffffff);
        using Rig r = new(Tracked(packet, null, Output(9), set, Output(2)));
        r.Install();
        byte[] frame = NicFrame.TcpIpv6();
        List<(uint Port, byte[] Frame)> sent = r.Receive(frame, 1)!;
        Assert.Equal([9u, 2u], sent.Select(static s => s.Port));
        Assert.Equal(frame, sent[0].Frame);
        Assert.Equal([0x0a, 0, 0, 0, 0, 9], sent[1].Frame[..6]);
    }
}
