using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>What packets learn beside an order that has the tables: the packet thread never waits for it, nothing is lost, and what was learned last stands.</summary>
public sealed class LearnBacklogLitmus
{
    private const int Learned = 3;

    private static readonly Explorer s_explorer = new() { MaxPreemptions = 4, MaxRuns = 1500, RandomRuns = 200 };

    [Fact]
    public void What_was_learned_last_stands() => s_explorer.Explore(static () => Run()).MustHold();

    /// <summary>The tables are free again, and what came first still waits.</summary>
    [Fact]
    public void A_packet_that_learns_before_those_that_wait_is_caught() => s_explorer.Explore(static () => Run(overtakes: true)).MustBeCaught("learned last");

    [Fact]
    public void A_backlog_that_is_not_looked_at_again_is_caught() => s_explorer.Explore(static () => Run(retries: false)).MustBeCaught("learned last");

    private static LitmusRun Run(bool overtakes = false, bool retries = true)
    {
        var tables = new OfPipeline(new PipelineOptions { Ports = [.. Enumerable.Range(1, 4).Select(static n => new PipelinePort($"p{n}", (uint)n))] });
        LearnBacklog backlog = new();

        // One for each rule: whoever learns does not look whether others wait.
        LearnBacklog[] backlogs = [.. Enumerable.Range(0, Learned).Select(_ => overtakes ? new LearnBacklog() : backlog)];
        FlowMod[] learned = [.. Enumerable.Range(1, Learned).Select(static i => FuzzCase.Parser.ParseFlow($"table=5,priority=7,ip,nw_dst=10.0.0.1 actions=output:{i}"))];
        FlowMod order = FuzzCase.Parser.ParseFlow("table=1 actions=drop");
        int packetThread = -1;

        // An order is told of while it has the tables; the packet thread is not stopped there, as it must not be.
        tables.Watch(_ =>
        {
            if (Environment.CurrentManagedThreadId != packetThread) Interleaving.Step("told");
        });
        return new LitmusRun(
        [
            () =>
            {
                packetThread = Environment.CurrentManagedThreadId;
                for (int i = 0; i < Learned; i++)
                {
                    Interleaving.Step("learn");
                    backlogs[i].Learn(tables, learned[i], 0, 0);
                }

                SpinWait spin = default;
                foreach (LearnBacklog waiting in backlogs)
                {
                    while (retries && waiting.Count > 0)
                    {
                        Interleaving.Step("retry");
                        if (!waiting.TryNext()) Interleaving.Wait(ref spin, "tables");
                    }
                }
            },
            () =>
            {
                Interleaving.Step("order");
                tables.ApplyAll([order]);
            },
        ],
        () =>
        {
            OfRule[] rules = [.. tables.Rules.Where(static r => r.Table == 5)];
            LitmusViolation.Unless(rules.Length == 1 && rules[0].Actions.Equals(learned[^1].Actions), "the rule is not the one that was learned last");
            LitmusViolation.Unless(tables.Rules.Any(static r => r.Table == 1), "the order was not carried out");
        });
    }
}
