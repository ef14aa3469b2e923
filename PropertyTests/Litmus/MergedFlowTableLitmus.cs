using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// <see cref="MergedFlowTable"/>: one thread publishes rules, takes them out and gives their slots to others, and lets the index grow; the other probes. A
/// packet gets its own rule or none, and a rule that stays is always found.
/// </summary>
public sealed class MergedFlowTableLitmus
{
    /// <summary>Rules at which the index of a new table is about to grow.</summary>
    private const int BeforeGrowth = 64;

    private static readonly MergedFlow[] s_rules = [.. Enumerable.Range(0, BeforeGrowth + 2).Select(static i => LitmusRules.Rule(i, 1))];
    private static readonly Explorer s_explorer = new() { MaxPreemptions = 2, MaxRuns = 1000, RandomRuns = 200 };

    [Fact]
    public void A_packet_gets_its_own_rule_or_none() => s_explorer.Explore(static () => Reuse()).MustHold();

    /// <summary>A slot that gets another rule while a packet holds the old one must be caught.</summary>
    [Fact]
    public void A_slot_that_is_reused_without_a_grace_period_is_caught() => s_explorer.Explore(static () => Reuse(graceless: true)).MustBeCaught("got rule");

    [Fact]
    public void A_rule_that_stays_is_found_while_the_index_grows() => s_explorer.Explore(static () => Growth()).MustHold();

    /// <summary>A rule that is taken out and put in again, instead of copied to the larger index, must be caught.</summary>
    [Fact]
    public void An_index_that_loses_a_rule_while_it_grows_is_caught() => s_explorer.Explore(static () => Growth(losesOne: true)).MustBeCaught("not found");

    private static LitmusRun Reuse(bool graceless = false)
    {
        QuiescentState quiescent = new();
        QuiescentState.Reader packetThread = quiescent.Register();
        PacketPool pool = new(1, 256);
        MergedFlowTable table = new(1, 1, quiescent);
        PacketRef packet = PacketOf(pool, 7);
        MergedFlow own = s_rules[7], other = s_rules[8];
        return new LitmusRun(
            [
                () =>
                {
                    int slot = table.TryAdd(own, out _);
                    table.Unpublish(slot);
                    ulong point = quiescent.Begin();
                    SpinWait spin = default;
                    while (!graceless && !quiescent.HasPassed(point)) Interleaving.Wait(ref spin, "grace");
                    table.Release(slot);
                    table.TryAdd(other, out _);
                },
                () =>
                {
                    for (int i = 0; i < 3; i++)
                    {
                        long found = Probe(table, packet);
                        LitmusViolation.Unless(found is -1 or 7, $"a packet of flow 7 got rule {found}");
                        packetThread.Announce();
                    }

                    packetThread.Leave();
                },
            ],
            () => LitmusViolation.Unless(table.FindScalar(LitmusRules.Key(8)) == 8, "the second rule is not there"),
            new Both(table, pool));
    }

    private static LitmusRun Growth(bool losesOne = false)
    {
        QuiescentState quiescent = new();
        QuiescentState.Reader packetThread = quiescent.Register();
        PacketPool pool = new(1, 256);
        MergedFlowTable table = new(BeforeGrowth + 8, 1, quiescent);
        int last = 0;
        for (int i = 1; i <= BeforeGrowth; i++) last = table.TryAdd(s_rules[i], out _);
        PacketRef packet = PacketOf(pool, BeforeGrowth);
        MergedFlow newcomer = s_rules[BeforeGrowth + 1], again = s_rules[BeforeGrowth];
        return new LitmusRun(
            [
                () =>
                {
                    if (losesOne)
                    {
                        table.Unpublish(last);
                        table.TryAdd(again, out _);
                    }

                    table.TryAdd(newcomer, out _);
                },
                () =>
                {
                    for (int i = 0; i < 2; i++)
                    {
                        long found = Probe(table, packet);
                        LitmusViolation.Unless(found == BeforeGrowth, $"rule {BeforeGrowth} was not found, {found} was");
                        packetThread.Announce();
                    }
                },
            ],
            () => LitmusViolation.Unless(table.FindScalar(LitmusRules.Key(BeforeGrowth + 1)) >= 0, "the new rule is not there"),
            new Both(table, pool));
    }

    private static PacketRef PacketOf(PacketPool pool, int flow)
    {
        PacketRef packet = pool.RentRef(new byte[64], 1);
        FlowKey key = LitmusRules.Key(flow);
        packet.SetKey(ref key);
        return packet;
    }

    private static long Probe(MergedFlowTable table, PacketRef packet)
    {
        Span<long> ids = [-1];
        table.Probe([packet], ids);
        return ids[0];
    }

    private sealed class Both(IDisposable first, IDisposable second) : IDisposable
    {
        public void Dispose()
        {
            first.Dispose();
            second.Dispose();
        }
    }
}
