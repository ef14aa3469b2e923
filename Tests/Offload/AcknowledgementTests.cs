using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// A change of the tables, a port or the connections while the device's queue stands still: either the device confirms that nothing uses what was
/// revoked, or the answer says that it did not and it is out of the path. In both cases no packet goes the old way.
/// </summary>
public sealed class AcknowledgementTests
{
    private const string ToPort2 = "in_port=1,udp actions=output:2";
    private const string ToPort3 = "in_port=1,udp actions=output:3";

    /// <summary>Requests are made at 1 ms, the queue stands still from 5 ms on.</summary>
    private const int StallAtMs = 5;
    private const int PacketCount = 5;

    private static readonly byte[] s_frame = NicFrame.UdpIpv4();

    [Theory]
    [InlineData(10_000, Acknowledgement.Done)]
    [InlineData(120_000, Acknowledgement.Done)]
    [InlineData(500_000, Acknowledgement.DeviceSuspended)]
    [InlineData(600_000, Acknowledgement.DeviceSuspended)]
    [InlineData(3_600_000, Acknowledgement.DeviceSuspended)]
    public void No_packet_goes_the_old_way_after_a_change(int stallMs, Acknowledgement expected)
    {
        using OffloadedSwitch s = Stalled(stallMs);
        Assert.Equal(expected, s.Change(ToPort3));
        Assert.Equal(expected == Acknowledgement.DeviceSuspended, s.Offload.IsSuspended);
        Assert.Equal(Enumerable.Repeat(3u, PacketCount), Send(s));
        Assert.Equal(expected, s.Change("delete"));
        Assert.Empty(Send(s));
        Assert.Equal(0, s.Offload.IsSuspended ? 0 : s.Offload.RevokedInUse());
    }

    /// <summary>How long that is can be set: the same stalls, and another answer.</summary>
    [Theory]
    [InlineData(10_000, 8_000, Acknowledgement.Done)]
    [InlineData(10_000, 12_000, Acknowledgement.DeviceSuspended)]
    [InlineData(100, 50, Acknowledgement.Done)]
    [InlineData(100, 150, Acknowledgement.DeviceSuspended)]
    [InlineData(1_000_000, 600_000, Acknowledgement.Done)]
    public void A_change_waits_as_long_as_it_is_told_to(int timeoutMs, int stallMs, Acknowledgement expected)
    {
        using OffloadedSwitch s = Stalled(stallMs, new OffloadOptions { UnresponsiveTimeoutMs = timeoutMs });
        Assert.Equal(expected, s.Change(ToPort3));
        Assert.Equal(Enumerable.Repeat(3u, PacketCount), Send(s));
    }

    [Theory]
    [InlineData(500_000)]
    [InlineData(3_600_000)]
    public void A_device_comes_back_when_its_queue_answers(int stallMs)
    {
        using OffloadedSwitch s = Stalled(stallMs);
        s.Change(ToPort3);
        s.AdvanceTo(stallMs - 1);
        ulong before = s.Hits;
        Assert.Equal(Enumerable.Repeat(3u, PacketCount), Send(s));
        Assert.Equal(before, s.Hits);
        s.AdvanceTo(stallMs + StallAtMs + 1000);
        Assert.False(s.Offload.IsSuspended);
        Assert.Equal(Acknowledgement.Done, s.Change(ToPort2));
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(Enumerable.Repeat(2u, PacketCount), Send(s));
            s.AdvanceTo(s.Simulator.NowMs + 2000);
        }

        Assert.True(s.Hits > before, "nothing is offloaded any more");
        Assert.True(s.Simulator.Audit().IsBalanced);
        Assert.Equal((1ul, 1ul), (s.Offload.Stats.Suspensions, s.Offload.Stats.Unacknowledged));
    }

    [Fact]
    public void A_port_and_a_flush_are_answered_the_same_way()
    {
        using OffloadedSwitch s = Stalled(600_000);
        Assert.Equal(Acknowledgement.DeviceSuspended, s.Simulator.SetPort(2, exists: false));
        Assert.Empty(Send(s));
        Assert.Equal(Acknowledgement.DeviceSuspended, s.Simulator.SetPort(2, exists: true));
        Assert.Equal(Enumerable.Repeat(2u, PacketCount), Send(s));
        Assert.Equal(Acknowledgement.DeviceSuspended, s.Simulator.FlushConntrack(null));
        Assert.Equal(Acknowledgement.DeviceSuspended, s.Simulator.Purge());
        Assert.Equal(3ul + 1, s.Offload.Stats.Unacknowledged);
        Assert.Equal(1ul, s.Offload.Stats.Suspensions);
    }

    /// <summary>Nobody waits for an acknowledgement here: the offload thread notices by itself that what it has taken out is not carried out.</summary>
    [Fact]
    public void A_device_that_stands_still_is_taken_out_without_a_change()
    {
        using OffloadedSwitch s = Stalled(600_000);
        s.Offload.RevokeAll();
        s.Offload.Step(StallAtMs + 2);
        Assert.False(s.Offload.IsSuspended);
        s.Offload.Step(StallAtMs + 20_000);
        Assert.True(s.Offload.IsSuspended);
        s.Offload.Step(700_000);
        Assert.False(s.Offload.IsSuspended);
        Assert.Equal(0, s.Offload.RuleCount);
    }

    /// <summary>A device whose rules the offload thread cannot take out of the path would forward by the old rule: that is what the tests above must see.</summary>
    [Fact]
    public void A_device_that_stays_in_the_path_is_caught()
    {
        using OffloadedSwitch s = Stalled(600_000);
        s.Change(ToPort3);
        s.Simulator.Datapath.Nic!.SetMatching(true);
        Assert.Equal(Enumerable.Repeat(2u, PacketCount), Send(s));
    }

    /// <summary>A switch with one rule in the device, whose queue stands still from now on.</summary>
    private static OffloadedSwitch Stalled(int stallMs, OffloadOptions? offload = null)
    {
        OffloadedSwitch s = new(OffloadMode.Nic, ToPort2, faults: new FaultPlan { Stalls = [new FaultWindow(StallAtMs, stallMs)] }, offload: offload);
        s.AdvanceTo(1);
        Assert.Equal(Enumerable.Repeat(2u, PacketCount), Send(s));
        s.AdvanceTo(StallAtMs + 1);
        Assert.True(s.Hits > 0, "nothing was offloaded");
        return s;
    }

    private static List<uint> Send(OffloadedSwitch s) => [.. Enumerable.Range(0, PacketCount).SelectMany(_ => s.Send(1, s_frame))];
}
