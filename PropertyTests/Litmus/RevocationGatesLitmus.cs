using System.Collections.Concurrent;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// <see cref="RevocationGates"/> with the real table: one thread processes packets and revokes a megaflow between two batches, the other links a rule of
/// it, publishes it and takes it out. After the acknowledgement no packet may use the rule.
/// </summary>
public sealed class RevocationGatesLitmus
{
    private static readonly Explorer s_explorer = new() { StoreBuffers = true, MaxPreemptions = 3, MaxRuns = 1500, RandomRuns = 300 };

    [Fact]
    public void A_revoked_rule_is_not_used_after_the_acknowledgement() => s_explorer.Explore(static () => Run()).MustHold();

    /// <summary>Gates that open again without a grace period must be caught: the packet has read the old gate, the word that it reads next is open again.</summary>
    [Fact]
    public void Gates_that_open_at_once_are_caught() => s_explorer.Explore(static () => Run(graceless: true)).MustBeCaught("used");

    /// <summary>A rule that is looked at before its gate is known must be caught.</summary>
    [Fact]
    public void Looking_before_the_gate_knows_is_caught() => s_explorer.Explore(static () => Run(looksFirst: true)).MustBeCaught("used");

    /// <summary>The mark on the megaflow may still be in the store buffer when the bits of the gates are read.</summary>
    [Fact]
    public void Closing_without_the_fence_is_caught()
        => new Explorer { StoreBuffers = true, MaxPreemptions = 3, MaxRuns = 1500, RandomRuns = 300, MissingFences = ["C2"] }.Explore(static () => Run()).MustBeCaught("used");

    private static LitmusRun Run(bool graceless = false, bool looksFirst = false)
    {
        QuiescentState quiescent = new();
        QuiescentState.Reader packetThread = quiescent.Register();
        MergedFlowTable table = new(4, 1, graceless ? null : quiescent);
        MergedFlow rule = LitmusRules.Rule(7, 1, 2);
        FlowKey key = LitmusRules.Key(7);
        int[] dead = GC.AllocateArray<int>(1, pinned: true);
        ConcurrentQueue<GateSet> revocations = new();
        return new LitmusRun(
            [
                () =>
                {
                    Batch(isAcknowledged: false);
                    Interleaving.Store(ref dead[0], 1, "C1");
                    GateSet closed = table.Gates.Close(2);
                    Interleaving.Atomic("told");
                    revocations.Enqueue(closed);
                    Batch(isAcknowledged: true);
                    Batch(isAcknowledged: true);
                    packetThread.Leave();
                },
                () =>
                {
                    int slot = Link();
                    GateSet closed;
                    SpinWait spin = default;
                    while (!revocations.TryDequeue(out closed)) Interleaving.Wait(ref spin, "L4");
                    if (slot >= 0) table.Unpublish(slot);
                    table.Gates.Open(in closed);
                    while (!table.Gates.AreOpen)
                    {
                        if (table.Gates.OpenPassed() == 0) Interleaving.Wait(ref spin, "L6");
                    }
                },
            ],
            () => LitmusViolation.Unless(table.Gates.AreOpen, "a gate stays closed"),
            table);

        void Batch(bool isAcknowledged)
        {
            bool isUsed = table.TryHit(key, 100, 0);
            LitmusViolation.Unless(!isUsed || !isAcknowledged, "a revoked rule was used after the acknowledgement");
            packetThread.Announce();
        }

        int Link()
        {
            bool isDead = looksFirst && IsDead();
            table.Gates.Enter(rule);
            if (!looksFirst) isDead = IsDead();
            if (!isDead) return table.TryAdd(rule, out _);
            table.Gates.Leave(rule);
            return -1;
        }

        bool IsDead()
        {
            Interleaving.Step("L2");
            return Volatile.Read(ref dead[0]) != 0;
        }
    }
}
