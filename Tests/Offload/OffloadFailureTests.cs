using Xunit;
using static Mergeflow.Tests.OffloadedSwitch;

namespace Mergeflow.Tests;

/// <summary>
/// The offload or aging poller throws: it is reported at once, packets leave as without offload, and the thread begins again with an empty device; if it
/// fails again and again, the switch goes on without offload.
/// </summary>
public sealed class OffloadFailureTests
{
    private const string Firewall =
        """
        table=0,priority=9,ip actions=ct(table=1,zone=5)
        table=1,priority=9,ct_state=+trk+new,ip,in_port=1 actions=ct(commit,zone=5),output:2
        table=1,priority=8,ct_state=+trk+est,ip,in_port=1 actions=output:2
        table=1,priority=8,ct_state=+trk+est,ip,in_port=2 actions=output:1
        """;

    private const string Redirect = "modify_strict table=1,priority=8,ct_state=+trk+est,ip,in_port=1 actions=output:3";
    private const string Back = "modify_strict table=1,priority=8,ct_state=+trk+est,ip,in_port=1 actions=output:2";

    /// <summary>Longer than the offload thread waits for an answer that was lost with the step that failed.</summary>
    private const int StepMs = 1100;

    public static TheoryData<OffloadMode, FailingPlace> Everywhere => [.. new[] { OffloadMode.Soft, OffloadMode.Nic }.SelectMany(m => Enum.GetValues<FailingPlace>().Select(p => (m, p)))];

    [Theory]
    [MemberData(nameof(Everywhere))]
    public void One_failure_costs_no_packet_and_offload_comes_back(OffloadMode mode, FailingPlace place)
    {
        for (int nth = 1; nth <= 3; nth++)
        {
            FailingParts failing = new(place, nth, times: 1);
            List<PollerFailure> reported = [];
            using OffloadedSwitch s = Play(mode, failing, reported);
            Assert.Equal(1, failing.Thrown);
            PollerFailure failure = Assert.Single(reported);
            Assert.Equal(("offload", $"injected in {place}"), (failure.Poller, failure.Exception.Message));
            Assert.Equal((false, false, 1ul), (s.Offload.IsAbandoned, s.Offload.IsSuspended, s.Offload.Stats.Failures));
            Assert.True(s.Offload.RuleCount > 0, $"nothing is offloaded after failure {nth}");
            Assert.Equal(0, s.Offload.RevokedInUse());
        }
    }

    [Theory]
    [MemberData(nameof(Everywhere))]
    public void What_fails_again_and_again_is_left_alone(OffloadMode mode, FailingPlace place)
    {
        FailingParts failing = new(place, 1, times: int.MaxValue);
        List<PollerFailure> reported = [];
        using OffloadedSwitch s = Play(mode, failing, reported, isLasting: true);
        Assert.True(s.Offload.IsAbandoned);
        Assert.Contains("goes on without merged rules", reported[^1].Line, StringComparison.Ordinal);
        Assert.Equal(s.Offload.Stats.Failures, (ulong)reported.Count);
        Assert.InRange(reported.Count, 1, new OffloadOptions().MaxRestarts + 1);

        // Nothing is held for rules that nobody will ever take out.
        s.Change("delete");
        s.AdvanceTo(s.Simulator.NowMs + 60_000);
        Assert.Empty(s.Simulator.Datapath.Megaflows.All());
        Assert.Empty(s.Simulator.Datapath.Megaflows.Retiring());
    }

    [Theory]
    [InlineData(FailingPlace.Merge, 1)]
    [InlineData(FailingPlace.Query, 1)]
    [InlineData(FailingPlace.Merge, int.MaxValue)]
    [InlineData(FailingPlace.Query, int.MaxValue)]
    public void A_thread_that_fails_goes_on_and_keeps_nobody_from_reclaiming(FailingPlace place, int times)
    {
        FailingParts failing = new(place, 1, times);
        using OffloadedSwitch s = new(OffloadMode.Soft, Firewall, offload: new OffloadOptions { Parts = failing.Parts }, runsApart: true);
        Datapath d = s.Simulator.Datapath;
        using ThreadedRuntime runtime = new();
        runtime.Add("offload", null, [new Clocked(d.Offload!, s.Simulator), new Clocked(d.Aging!, s.Simulator)], d.Quiescent.Register());
        runtime.Start();
        s.Handshake();
        int wanted = Math.Min(times, new OffloadOptions().MaxRestarts + 1);
        ushort client = 2000;
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                // New connections: each brings a trace, and hits for the aging poller to read.
                Assert.Equal([2u], s.Send(1, Segment(false, 1, 0, 0x02, client: client)));
                Assert.Equal([1u], s.Send(2, Segment(true, 1, 2, 0x12, client: client)));
                for (uint i = 0; i < 4; i++) Assert.Equal([2u], s.Send(1, Segment(false, 2, 2, 0x10, client: client)));
                client++;

                // The aging poller has a period.
                s.AdvanceTo(s.Simulator.NowMs + 60);
                return s.Offload.Stats.Failures >= (ulong)wanted && (times == 1 || s.Offload.IsAbandoned);
            },
            TimeSpan.FromMinutes(2)));
        Assert.Null(runtime.Failure);
        ulong point = d.Quiescent.Begin();
        Assert.True(SpinWait.SpinUntil(() => d.Quiescent.HasPassed(point), TimeSpan.FromMinutes(2)), "the failed thread keeps the owner from reclaiming");
        runtime.Stop();
        Assert.Equal([2u], s.Send(1, Segment(false, 1001, 5001, 0x10)));
        Assert.Equal(times != 1, s.Offload.IsAbandoned);
    }

    /// <summary>A poller under the simulator's clock: all threads of a datapath go by one.</summary>
    private sealed class Clocked(IPoller inner, Simulator simulator) : IPoller
    {
        public string Name => inner.Name;

        public int Step(long nowMs) => inner.Step(simulator.NowMs);
    }

    /// <summary>The conversation with and without offload, side by side: each packet leaves on the same ports with the same bytes.</summary>
    private static OffloadedSwitch Play(OffloadMode mode, FailingParts failing, List<PollerFailure> reported, bool isLasting = false)
    {
        OffloadedSwitch s = new(mode, Firewall, tcpSeqChk: false, offload: new OffloadOptions { Parts = failing.Parts });
        using OffloadedSwitch plain = new(OffloadMode.None, Firewall, tcpSeqChk: false);
        void OnFailure(PollerFailure f)
        {
            if (f.DatapathId == s.Simulator.Datapath.TelemetryId) reported.Add(f);
        }

        PollerFailures.Reported += OnFailure;
        try
        {
            for (int round = 0; round < (isLasting ? 60 : 6) && !s.Offload.IsAbandoned; round++)
            {
                string change = round % 2 == 0 ? Redirect : Back;
                for (ushort client = 1000; client < 1003; client++)
                {
                    uint isn = round == 0 ? 1000u : 0;
                    if (round == 0)
                    {
                        Same(1, Segment(false, isn, 0, 0x02, client: client));
                        Same(2, Segment(true, 5000, isn + 1, 0x12, client: client));
                    }

                    for (int i = 0; i < 4; i++)
                    {
                        Same(1, Segment(false, 1001, 5001, 0x10, client: client));
                        Same(2, Segment(true, 5001, 1001, 0x10, client: client));
                    }
                }

                s.Change(change);
                plain.Change(change);
                s.AdvanceTo((round + 1) * StepMs);
                plain.AdvanceTo((round + 1) * StepMs);
            }

            long endMs = s.Simulator.NowMs + 20_000;
            s.AdvanceTo(endMs);
            plain.AdvanceTo(endMs);
            for (int i = 0; i < 4; i++) Same(1, Segment(false, 1001, 5001, 0x10));
        }
        finally
        {
            PollerFailures.Reported -= OnFailure;
        }

        return s;

        void Same(uint port, byte[] frame)
        {
            uint[] expected = plain.Send(port, frame), actual = s.Send(port, frame);
            Assert.Equal(expected, actual);
            if (expected.Length > 0) Assert.Equal(plain.LastFrame, s.LastFrame);
        }
    }
}
