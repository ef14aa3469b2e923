using System.CommandLine;
using System.Globalization;
using Mergeflow.Cli;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary><c>lines</c>: what a cache line costs that another processor wrote last.</summary>
internal static class LinesCommand
{
    public static Command Create(TextWriter output, CancellationToken interrupted)
    {
        NumberOption<int> transfers = new("--transfers") { HelpName = "N", Description = "Times that a line is written in turn, per round; the fastest of 20 rounds counts.", DefaultValueFactory = _ => 20_000 };
        Command command = new("lines", "Cost of a cache line that two processors write: in turn, and as fast as both can; docs/perf.md has what that means for many packet threads.") { transfers };
        command.SetAction(parsed =>
        {
            int n = parsed.GetValue(transfers);
            if (n is < 100 or > 10_000_000) throw PerfException.Usage("--transfers: expected 100 to 10000000");
            int[] cpus = [.. HostProbe.ProcessCpus];
            if (cpus.Length < 2) throw PerfException.Usage("lines: needs two processors");
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"a locked addition to a line that only one writes: {new LineRun(cpus[^1], cpus[^1]).Alone(n):F1} ns"));
            foreach (int other in cpus.Take(cpus.Length - 1))
            {
                interrupted.ThrowIfCancellationRequested();
                LineRun run = new(other, cpus[^1]);
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"processors {other} and {cpus[^1]}: a line from one to the other {run.InTurn(n):F1} ns; locked additions of both to one line {run.Both(n):F1} ns each"));
            }

            return PerfExitCode.Ok;
        });
        return command;
    }
}

/// <summary>Two threads, each on its processor, and one line.</summary>
internal sealed class LineRun(int first, int second)
{
    private const int Rounds = 20;
    private const int LineWords = 8;

    /// <summary>The word in the middle has its line for itself.</summary>
    private readonly long[] _words = GC.AllocateArray<long>(3 * LineWords, pinned: true);
    private int _ready;

    /// <summary>ns per addition of one thread, at best.</summary>
    public double Alone(int count)
    {
        double best = double.MaxValue;
        for (int round = 0; round < Rounds; round++)
        {
            long begin = MonotonicClock.NowNs;
            for (int i = 0; i < count; i++) Interlocked.Increment(ref Word);
            best = Math.Min(best, (MonotonicClock.NowNs - begin) / (double)count);
        }

        return best;
    }

    /// <summary>ns from one thread's store until the other has seen it and stored in turn, at best.</summary>
    public double InTurn(int count) => Best(count, (own, i) =>
    {
        while (Volatile.Read(ref Word) != (2 * i) + own)
        {
            // The other one's turn.
        }

        Volatile.Write(ref Word, (2 * i) + own + 1);
    }) / 2;

    /// <summary>ns per addition of each of two threads that add as fast as they can, at best.</summary>
    public double Both(int count) => Best(count, (_, _) => Interlocked.Increment(ref Word));

    private ref long Word => ref _words[LineWords];

    private double Best(int count, Action<int, long> once)
    {
        double best = double.MaxValue;
        for (int round = 0; round < Rounds; round++)
        {
            (Word, _ready) = (0, 0);
            Thread other = new(() => Run(first, 0, count, once));
            other.Start();
            double[] took = [0];
            Thread own = new(() => took[0] = Run(second, 1, count, once));
            own.Start();
            own.Join();
            other.Join();
            best = Math.Min(best, took[0] / count);
        }

        return best;
    }

    private double Run(int cpu, int own, int count, Action<int, long> once)
    {
        ThreadPinning.TryPin(cpu);
        Interlocked.Increment(ref _ready);
        while (Volatile.Read(ref _ready) < 2)
        {
            // Both begin together.
        }

        long begin = MonotonicClock.NowNs;
        for (long i = 0; i < count; i++) once(own, i);
        return MonotonicClock.NowNs - begin;
    }
}
