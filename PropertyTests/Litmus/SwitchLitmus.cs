using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// The whole protocol of installing and revoking, real classes on both sides: a packet thread that forwards, changes the tables and forwards again, and an
/// offload thread that merges, installs and takes out meanwhile. Behind an acknowledged change no packet leaves as before it.
/// </summary>
public sealed class SwitchLitmus
{
    private static readonly Explorer s_explorer = new() { MaxPreemptions = 2, MaxRuns = 700, RandomRuns = 200 };

    [Fact]
    public void A_rule_in_use_is_not_used_behind_an_acknowledged_change() => s_explorer.Explore(static () => Run(isActive: true)).MustHold();

    [Fact]
    public void A_rule_that_is_being_installed_does_not_outlive_a_change() => s_explorer.Explore(static () => Run(isActive: false)).MustHold();

    /// <summary>A device that says that it has taken a rule out of use, and does it later, must be caught.</summary>
    [Fact]
    public void A_device_that_takes_rules_out_late_is_caught()
        => new Explorer { MaxPreemptions = 4, MaxRuns = 1, RandomRuns = 5000 }.Explore(static () => Run(isActive: true, new OffloadParts { Provider = static p => new LateProvider(p) })).MustBeCaught("left on port 2");

    private static LitmusRun Run(bool isActive, OffloadParts? parts = null)
    {
        LitmusSwitch s = new(parts);
        LitmusViolation.Unless(s.Send() == 2, "the first packet was lost");
        if (isActive)
        {
            s.Step();
            ulong before = s.Hits;
            LitmusViolation.Unless(s.Send() == 2 && s.Hits == before + 1, "there is no merged rule");
        }

        return new LitmusRun(
            [
                () =>
                {
                    Expect(2);
                    LitmusViolation.Unless(s.Redirect() == Acknowledgement.Done, "not acknowledged");
                    for (int i = 0; i < 2; i++) Expect(3);
                },
                () =>
                {
                    for (int i = 0; i < 3; i++)
                    {
                        s.Step();
                        Interleaving.Step("round");
                    }
                },
            ],
            () =>
            {
                s.Send();
                s.Step();
                s.Send();
                s.Step();
                Expect(3);
                LitmusViolation.Unless(s.Offload.RevokedInUse() == 0, "a revoked rule is in use");
            },
            s);

        void Expect(uint port)
        {
            uint left = s.Send();
            LitmusViolation.Unless(left == port, $"a packet left on port {left} instead of {port}");
        }
    }

    private sealed class LateProvider(IOffloadProvider inner) : IOffloadProvider
    {
        private readonly Queue<MergedFlow> _late = new();
        private int _polls;

        public string Name => inner.Name;

        public OffloadCapabilities Capabilities => inner.Capabilities;

        public RevocationGates? Gates => inner.Gates;

        public int RuleCount => inner.RuleCount;

        public OffloadReason Validate(MergedFlow rule, out string? detail) => inner.Validate(rule, out detail);

        public bool Create(MergedFlow rule, long nowMs) => inner.Create(rule, nowMs);

        public bool Destroy(MergedFlow rule, long nowMs)
        {
            _late.Enqueue(rule);
            return true;
        }

        public bool Query(MergedFlow rule, long nowMs, out OffloadCounters counters) => inner.Query(rule, nowMs, out counters);

        public int Poll(Span<OffloadCompletion> completions, long nowMs)
        {
            Interleaving.Step("late");
            int count = inner.Poll(completions, nowMs);
            if (_late.Count > 0 && ++_polls > 5) inner.Destroy(_late.Dequeue(), nowMs);
            return count;
        }

        public void Resync(long nowMs) => inner.Resync(nowMs);

        public void Drain(long nowMs, int limitMs) => inner.Drain(nowMs, limitMs);

        public void Suspend() => inner.Suspend();

        public void Resume() => inner.Resume();

        public void Dispose() => inner.Dispose();
    }
}
