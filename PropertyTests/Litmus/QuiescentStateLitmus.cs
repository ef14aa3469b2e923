using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// <see cref="QuiescentState"/>: an owner replaces what is published, frees the old one after the grace period and does so again; a reader uses what
/// it has loaded until it announces.
/// </summary>
public sealed class QuiescentStateLitmus
{
    private const int Rounds = 2;
    private static readonly Explorer s_explorer = new() { StoreBuffers = true, MaxPreemptions = 3, MaxRuns = 2000, RandomRuns = 500 };

    [Fact]
    public void Nothing_is_freed_under_a_reader() => s_explorer.Explore(static () => Run(static q => q)).MustHold();

    /// <summary>A grace period that is one epoch short must be caught.</summary>
    [Fact]
    public void A_grace_period_one_epoch_early_is_caught() => s_explorer.Explore(static () => Run(static q => new Early(q))).MustBeCaught("freed");

    /// <summary>A point that is taken before the object is unpublished must be caught: a reader may announce in between and load it again.</summary>
    [Fact]
    public void Beginning_before_unpublishing_is_caught() => s_explorer.Explore(static () => Run(static q => q, beginsFirst: true)).MustBeCaught("freed");

    /// <summary>A reader that announces while it still holds a reference must be caught.</summary>
    [Fact]
    public void Announcing_with_a_reference_in_hand_is_caught() => s_explorer.Explore(static () => Run(static q => q, announcesEarly: true)).MustBeCaught("freed");

    [Fact]
    public void Nothing_is_freed_under_a_reader_that_comes_and_goes() => s_explorer.Explore(static () => ComeAndGo()).MustHold();

    /// <summary>A reader whose announcement is still in its store buffer while it loads: the owner frees what it has found.</summary>
    [Fact]
    public void A_reader_that_comes_without_a_fence_is_caught()
        => new Explorer { StoreBuffers = true, MaxPreemptions = 3, MaxRuns = 2000, RandomRuns = 500, MissingFences = ["Q5"] }.Explore(static () => ComeAndGo()).MustBeCaught("freed");

    /// <summary>A reader that leaves while it still holds a reference.</summary>
    [Fact]
    public void A_reader_that_leaves_with_a_reference_in_hand_is_caught() => s_explorer.Explore(static () => ComeAndGo(leavesEarly: true)).MustBeCaught("freed");

    /// <summary>A thread that sleeps is no reader: it enters, uses what it loads, and leaves, while the owner frees.</summary>
    private static LitmusRun ComeAndGo(bool leavesEarly = false)
    {
        QuiescentState state = new();
        QuiescentState.Reader reader = state.Register();
        reader.Leave();
        int[] published = GC.AllocateArray<int>(1, pinned: true);
        bool[] isFreed = new bool[Rounds + 1];
        return new LitmusRun(
        [
            () =>
            {
                for (int next = 1; next <= Rounds; next++)
                {
                    Interleaving.Store(ref published[0], next, "unpublish");
                    ulong point = state.Begin();
                    SpinWait spin = default;
                    while (!state.HasPassed(point)) Interleaving.Wait(ref spin, "wait");
                    isFreed[next - 1] = true;
                }
            },
            () =>
            {
                for (int i = 0; i < Rounds; i++)
                {
                    reader.Enter();
                    Interleaving.Step("load");
                    int held = Volatile.Read(ref published[0]);
                    if (leavesEarly) reader.Leave();
                    Interleaving.Step("use");
                    LitmusViolation.Unless(!isFreed[held], $"object {held} was freed under the reader");
                    reader.Leave();
                }
            },
        ]);
    }

    private static LitmusRun Run(Func<QuiescentState, IGracePeriod> make, bool beginsFirst = false, bool announcesEarly = false)
    {
        QuiescentState state = new();
        QuiescentState.Reader reader = state.Register();
        IGracePeriod grace = make(state);
        int[] published = GC.AllocateArray<int>(1, pinned: true);
        bool[] isFreed = new bool[Rounds + 1];
        return new LitmusRun(
        [
            () =>
            {
                for (int next = 1; next <= Rounds; next++)
                {
                    ulong early = beginsFirst ? grace.Begin() : 0;
                    Interleaving.Store(ref published[0], next, "unpublish");
                    ulong point = beginsFirst ? early : grace.Begin();
                    SpinWait spin = default;
                    while (!grace.HasPassed(point)) Interleaving.Wait(ref spin, "wait");
                    isFreed[next - 1] = true;
                }
            },
            () =>
            {
                for (int i = 0; i < Rounds + 1; i++)
                {
                    Interleaving.Step("load");
                    int held = Volatile.Read(ref published[0]);
                    if (announcesEarly) reader.Announce();
                    Interleaving.Step("use");
                    LitmusViolation.Unless(!isFreed[held], $"object {held} was freed under the reader");
                    if (!announcesEarly) reader.Announce();
                }

                // The owner may wait for one more point.
                for (SpinWait spin = default; ; Interleaving.Wait(ref spin, "idle"))
                {
                    reader.Announce();
                    if (isFreed[Rounds - 1]) return;
                }
            },
        ]);
    }

    private sealed class Early(QuiescentState inner) : IGracePeriod
    {
        public ulong Begin() => inner.Begin();

        public bool HasPassed(ulong point) => inner.HasPassed(point - 1);
    }
}
