using System.Globalization;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Runs a protocol in every order of its marked accesses: depth first over the decisions who goes next, each run from the beginning. With
/// <see cref="StoreBuffers"/> the decisions are also when a delayed store becomes visible (x86-TSO).
/// </summary>
internal sealed class Explorer
{
    /// <summary>Orders to run depth first before it stops, complete or not.</summary>
    public int MaxRuns { get; init; } = 20_000;

    /// <summary>Most switches away from a thread that could go on; most faults need one or two.</summary>
    public int MaxPreemptions { get; init; } = int.MaxValue;

    /// <summary>Orders to draw by chance if the depth-first search was not complete.</summary>
    public int RandomRuns { get; init; }

    /// <summary>Seed of these draws; printed with a failure as part of its text.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Delay stores as a store buffer does.</summary>
    public bool StoreBuffers { get; init; }

    /// <summary>Steps of the real code whose fence is left out: a broken twin without another line of code.</summary>
    public IReadOnlyList<string> MissingFences { get; init; } = [];

    /// <summary>Explores <paramref name="make"/>; stops at the first violation.</summary>
    public ExplorerResult Explore(Func<LitmusRun> make)
    {
        List<int> prefix = [];
        int runs = 0;
        using DrivenThreads threads = new();
        for (; ; )
        {
            List<Decision> decisions = [];
            string? violation = Play(threads, make, options =>
            {
                int choice = decisions.Count < prefix.Count ? prefix[decisions.Count] : 0;
                decisions.Add(new Decision(choice, options));
                return choice;
            });
            runs++;
            if (violation is not null) return new ExplorerResult(runs, false, violation, threads.Order);
            int last = decisions.FindLastIndex(static d => d.Choice + 1 < d.Options);
            if (last < 0) return new ExplorerResult(runs, true, null, threads.Order);
            if (runs >= MaxRuns) break;
            prefix = [.. decisions.Take(last).Select(static d => d.Choice), decisions[last].Choice + 1];
        }

        ulong state = Seed;
        for (int i = 0; i < RandomRuns; i++)
        {
            string? violation = Play(threads, make, options => (int)(Next(ref state) % (uint)options));
            runs++;
            if (violation is not null) return new ExplorerResult(runs, false, string.Create(CultureInfo.InvariantCulture, $"{violation} (seed {Seed}, draw {i})"), threads.Order);
        }

        return new ExplorerResult(runs, false, null, threads.Order);
    }

    private string? Play(DrivenThreads threads, Func<LitmusRun> make, Func<int, int> choose)
    {
        LitmusRun run = make();
        try
        {
            return threads.Play(run, this, choose);
        }
        finally
        {
            run.Owned?.Dispose();
        }
    }

    private static ulong Next(ref ulong state)
    {
        ulong z = state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    private readonly record struct Decision(int Choice, int Options);
}
