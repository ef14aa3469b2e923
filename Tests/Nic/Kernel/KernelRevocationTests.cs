using System.Diagnostics;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// The real program runs on one thread, as fast as the kernel lets it, while another revokes, harvests and installs its rule. What the rule does not take, a rule behind it takes: each run is counted once.
/// </summary>
public sealed class KernelRevocationTests(ITestOutputHelper output)
{
    private const int RunsPerCall = 20_000;

    /// <summary>How long counts are looked for: 2 s, more by <c>MERGEFLOW_KERNEL_SECONDS</c>.</summary>
    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(double.TryParse(Environment.GetEnvironmentVariable("MERGEFLOW_KERNEL_SECONDS"), out double s) && s > 0 ? s : 2);

    [Fact]
    public void No_count_is_lost_when_a_rule_is_revoked_and_installed_again()
    {
        using Bench bench = new(waits: true);
        (long runs, long counted, long cycles) = bench.Play(s_time, untilLost: false);
        output.WriteLine($"{cycles} cycles beside {runs} runs");
        Assert.Equal(runs, counted);
        Assert.InRange(cycles, 1000, long.MaxValue);
    }

    /// <summary>The control: the same without the wait loses counts, and the sum tells.</summary>
    [Fact]
    public void A_harvest_that_does_not_wait_is_caught()
    {
        if (Environment.ProcessorCount < 2) Assert.Skip("needs two processors");
        using Bench bench = new(waits: false);
        (long runs, long counted, long cycles) = bench.Play(TimeSpan.FromSeconds(60), untilLost: true);
        output.WriteLine($"{cycles} cycles beside {runs} runs, {runs - counted} lost");
        Assert.NotEqual(runs, counted);
    }

    private sealed class Bench(bool waits) : IDisposable
    {
        private const int Loopback = 1;

        private readonly RevocationBench _bench = new(Loopback, waits);

        public (long Runs, long Counted, long Cycles) Play(TimeSpan time, bool untilLost)
        {
            byte[] frame = NicFrame.UdpIpv4(src: RevocationBench.Source);
            long calls = 0, cycles = 0, harvested = 0;
            bool end = false;
            for (long start = Stopwatch.GetTimestamp(); ;)
            {
                Volatile.Write(ref end, false);
                Thread runner = new(() =>
                {
                    byte[] result = new byte[100];
                    while (!Volatile.Read(ref end))
                    {
                        _bench.Program.TestRun(frame, result, repeat: RunsPerCall);
                        calls++;
                    }
                });
                runner.Start();
                for (long slice = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(slice).TotalMilliseconds < 200; cycles += 100)
                {
                    for (int i = 0; i < 100; i++) harvested += _bench.Cycle();
                }

                Volatile.Write(ref end, true);
                runner.Join();
                long runs = calls * RunsPerCall, counted = harvested + _bench.Behind;
                if (Stopwatch.GetElapsedTime(start) > time || (untilLost && runs != counted)) return (runs, counted, cycles);
            }
        }

        public void Dispose() => _bench.Dispose();
    }
}
