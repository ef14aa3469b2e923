using Mergeflow.Nic;
using Xunit;
using static Mergeflow.Tests.OffloadedSwitch;

namespace Mergeflow.Tests;

/// <summary>Each fault of a device, by itself: traffic goes on, nothing is lost and nothing is counted twice.</summary>
public sealed class FaultExampleTests
{
    private const string Firewall =
        """
        cookie=0x1,table=0,priority=9,ip,in_port=1 actions=ct(table=1,zone=5)
        cookie=0x2,table=0,priority=9,ip,in_port=2 actions=ct(table=1,zone=5)
        cookie=0x3,table=1,priority=9,ct_state=+trk+new,ip,in_port=1 actions=ct(commit,zone=5),output:2
        cookie=0x4,table=1,priority=8,ct_state=+trk+est,ip,in_port=1 actions=output:2
        cookie=0x5,table=1,priority=8,ct_state=+trk+est,ip,in_port=2 actions=output:1
        """;

    private const int StepMs = 50;
    private const int Steps = 60;

    [Fact]
    public void A_device_that_refuses_rules_leaves_their_packets_to_software() => Check(new FaultPlan { RefuseEveryNthCreate = 2 });

    [Fact]
    public void A_device_that_claims_to_be_full_leaves_their_packets_to_software() => Check(new FaultPlan { TableFullEveryNthCreate = 2 });

    [Fact]
    public void A_completion_that_comes_late_loses_no_packet() => Check(new FaultPlan { DelayCompletionChance = 1, DelayCompletionMaxMs = 700 });

    [Fact]
    public void A_completion_that_is_lost_loses_no_packet() => Check(new FaultPlan { LoseCompletionChance = 1 });

    [Fact]
    public void A_stalled_queue_loses_no_packet() => Check(new FaultPlan { Stalls = [new FaultWindow(0, 1000), new FaultWindow(1500, 500)] });

    [Fact]
    public void A_completion_that_comes_twice_counts_once() => Check(new FaultPlan { DuplicateCompletionChance = 1 });

    [Fact]
    public void A_counter_that_is_read_late_is_booked_in_the_end() => Check(new FaultPlan { CounterFreezes = [new FaultWindow(200, 3000)] });

    [Fact]
    public void A_device_that_is_reset_is_filled_again_and_loses_no_packet() => Check(new FaultPlan { ResetsAtMs = [500, 520, 1500] });

    [Fact]
    public void A_port_that_comes_back_begins_without_rules()
    {
        using OffloadedSwitch s = new(OffloadMode.Nic, Firewall, tcpSeqChk: false);
        s.Handshake();
        Assert.Equal([2u], s.Send(1, Segment(false, 1001, 5001, 0x18, payload: 10)));
        Assert.NotEmpty(s.Offload.Report.Rules());
        s.Simulator.SetPort(2, exists: false);
        Assert.DoesNotContain(s.Offload.Report.Rules(), r => r.Ports.Contains(2u));
        Assert.Empty(s.Send(1, Segment(false, 1011, 5001, 0x18, payload: 10)));
        s.Simulator.SetPort(2, exists: true);
        Assert.DoesNotContain(s.Offload.Report.Rules(), r => r.Ports.Contains(2u));
        Assert.Equal([2u], s.Send(1, Segment(false, 1021, 5001, 0x18, payload: 10)));
    }

    [Theory]
    [InlineData(OffloadReason.DeviceRefused, "the device refused the rule")]
    [InlineData(OffloadReason.TableFull, "the exact-match table is full")]
    public void What_a_device_refuses_is_counted_in_bytes_and_explained(OffloadReason reason, string detail)
    {
        FaultPlan plan = reason == OffloadReason.TableFull ? new FaultPlan { TableFullEveryNthCreate = 1 } : new FaultPlan { RefuseEveryNthCreate = 1 };
        using OffloadedSwitch s = new(OffloadMode.Nic, Firewall, tcpSeqChk: false, plan);
        s.Handshake();
        ReasonTotals before = s.Offload.Report.RefusedTotals();
        byte[] frame = Segment(false, 1001, 5001, 0x18, payload: 10);
        Assert.Equal([2u], s.Send(1, frame));
        ReasonTotals after = s.Offload.Report.RefusedTotals();
        Assert.Equal((1ul, (ulong)frame.Length), (after.Packets(reason) - before.Packets(reason), after.Bytes(reason) - before.Bytes(reason)));
        OffloadExplanation e = s.Offload.Report.Explain(Chain.Tcp());
        Refusal refusal = Assert.Single(e.Refusals, r => r.Key.InPort.Host == 1 && r.Reason == reason);
        Assert.Equal((1, detail), (refusal.Pass, refusal.Detail));
        Assert.Empty(e.Dead);
    }

    private static void Check(FaultPlan plan)
    {
        using OffloadedSwitch device = new(OffloadMode.Nic, Firewall, tcpSeqChk: false, plan);
        using OffloadedSwitch plain = new(OffloadMode.None, Firewall, tcpSeqChk: false);
        OffloadedSwitch[] both = [device, plain];
        foreach (OffloadedSwitch s in both) s.Handshake();
        uint seq = 1001;
        for (int i = 0; i < Steps; i++, seq += 10)
        {
            foreach (OffloadedSwitch s in both)
            {
                s.AdvanceTo((i + 1) * StepMs);
                Assert.Equal([2u], s.Send(1, Segment(false, seq, 5001, 0x18, payload: 10)));
                Assert.Equal([1u], s.Send(2, Segment(true, 5001, seq + 10, 0x10)));
            }
        }

        foreach (OffloadedSwitch s in both) s.AdvanceTo(10_000);
        Assert.Equal(Counters(plain), Counters(device));
        OffloadAudit audit = device.Simulator.Audit(pushed: true);
        Assert.True(audit.IsBalanced, string.Join('\n', audit.Lines));
        Assert.True(device.Hits > 0, "nothing was offloaded");
    }

    private static string[] Counters(OffloadedSwitch s)
    {
        SimulatorReport report = s.Simulator.Report();
        return
        [
            .. report.Rules.OrderBy(r => r.Cookie).Select(r => $"{r.Cookie}: {r.Packets}/{r.Bytes}"),
            .. report.Connections.Select(c => $"{c.OrigPackets}/{c.OrigBytes} {c.ReplyPackets}/{c.ReplyBytes} {c.TimeoutSeconds}"),
        ];
    }
}
