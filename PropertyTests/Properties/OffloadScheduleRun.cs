using System.Diagnostics;
using System.Globalization;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Properties 4, 5, 6 and 12 under random schedules and fault plans, of as many cases as <c>MERGEFLOW_SCHEDULE_CASES</c> says, with
/// seeds from <c>MERGEFLOW_SCHEDULE_SEED</c> on (with <c>MERGEFLOW_SCHEDULE_SECONDS</c> until the time is up as well): whatever the offload thread is late with and whatever the device does wrong, packets, counters of
/// rules, connections and ports, and connections are those of a run without offload; after each change of tables, ports and connections the
/// books are audited and no rule depends on what has moved; in the end no rule is left.
/// </summary>
public sealed class OffloadScheduleRun(ITestOutputHelper output)
{
    private const int DefaultCases = 60;

    /// <summary>What is frozen thaws before the result is read.</summary>
    private const int QuietMs = 5100;

    private static readonly int[] s_pmdCounts = [1, 2, 4];

    private static readonly EngineSetup s_plain = new(OffloadMode.None, CacheOn: false, BatchSize: 1, QuietMs: QuietMs);

    [Fact]
    public void Nobody_sees_the_offload_whatever_the_schedule()
    {
        int seconds = Number("MERGEFLOW_SCHEDULE_SECONDS", 0);
        int cases = Number("MERGEFLOW_SCHEDULE_CASES", DefaultCases);
        int first = Number("MERGEFLOW_SCHEDULE_SEED", 1);
        var judge = new CaseJudge();
        var watch = Stopwatch.StartNew();
        int seed = first, schedules = 0, withFaults = 0;
        for (; seed - first < cases || watch.Elapsed.TotalSeconds < seconds; seed++)
        {
            FuzzCase @case = CaseGenerator.Make(seed, 60 + (seed % 240), checksSequence: false);
            var chance = new Chance(seed);
            EngineSetup faulty = Nic(chance, faulty: true);
            judge.CheckAgainstPlain(@case, "schedule", s_plain, Soft(chance), Nic(chance, faulty: false), Sliced(seed));
            judge.CheckAgainstPlain(faulty.Faults!.CounterFreezes.Count > 0 ? @case.WithoutModifications() : @case, "faults", s_plain, faulty);
            schedules += 4;
            withFaults++;
        }

        RunStatistics s = judge.Statistics;
        output.WriteLine($"seeds {first}..{seed - 1}: {schedules} schedules ({withFaults} with a fault plan), {s["packets"]} packets, {s["merged rules"]} rules, {s["offloaded packets"]} offloaded packets, {s["audits"]} audits in {watch.Elapsed.TotalSeconds:F0} s");
        output.WriteLine(s.Report("packets"));
        Assert.True(s["offloaded packets"] > 0, "nothing was offloaded");
    }

    /// <summary>Every fourth with upcalls on handler threads, packet by packet: in a batch packets of other hosts overtake one that waits, which may show.</summary>
    private static EngineSetup Soft(Chance chance)
    {
        EngineSetup inline = SoftInline(chance);
        return chance.OneIn(4) ? inline with { BatchSize = 1, Handlers = 1 + chance.Below(3) } : inline;
    }

    private static EngineSetup SoftInline(Chance chance)
        => new(OffloadMode.Soft, BatchSize: 1 + chance.Below(32), CacheOn: chance.OneIn(2), Capacity: chance.Of([1, 3, 65_536]), QuietMs: QuietMs, ScheduleSeed: 1 + (ulong)chance.U32(), Shipped: chance.OneIn(4), Pmds: chance.Of(s_pmdCounts), Asymmetric: chance.OneIn(2));

    /// <summary>Without offload, control in slices.</summary>
    private static EngineSetup Sliced(int seed)
        => new(BatchSize: seed % 4 == 1 ? 1 : 1 + (seed % 32), Handlers: seed % 4 == 1 ? 2 : 0, CacheOn: seed % 3 != 0, QuietMs: QuietMs, ScheduleSeed: 2 * (ulong)(uint)(seed + 1), Pmds: s_pmdCounts[seed % 3], Asymmetric: seed % 2 == 0);

    private static EngineSetup Nic(Chance chance, bool faulty)
    {
        string profile = chance.Of(TransparencyProperties.Profiles);
        return new(
            OffloadMode.Nic,
            BatchSize: 1 + chance.Below(32),
            CacheOn: chance.OneIn(2),
            NicProfile: profile,
            QuietMs: QuietMs,
            Faults: faulty ? Faults(chance, profile) : null,
            ScheduleSeed: 1 + (ulong)chance.U32(),
            Pmds: chance.Of(s_pmdCounts),
            Asymmetric: chance.OneIn(2));
    }

    /// <summary>What a device had not refreshed when it was reset is lost, nobody has seen it: resets come with counters that are live.</summary>
    private static FaultPlan Faults(Chance chance, string profile)
    {
        bool isLive = NicProfile.Load(profile).CounterRefreshNs == 0;
        FaultPlan plan = Faults(chance);
        return isLive && plan.ResetsAtMs.Count > 0 ? plan with { CounterFreezes = [] } : plan with { ResetsAtMs = [] };
    }

    private static FaultPlan Faults(Chance chance) => new()
    {
        Seed = chance.U32(),
        RefuseEveryNthCreate = chance.OneIn(3) ? 1 + chance.Below(5) : 0,
        TableFullEveryNthCreate = chance.OneIn(3) ? 1 + chance.Below(5) : 0,
        DelayCompletionChance = chance.OneIn(2) ? 0.4 : 0,
        DelayCompletionMaxMs = 1 + chance.Below(20_000),
        LoseCompletionChance = chance.OneIn(3) ? 0.3 : 0,
        DuplicateCompletionChance = chance.OneIn(3) ? 0.3 : 0,
        Stalls = Windows(chance),
        CounterFreezes = Windows(chance),
        ResetsAtMs = chance.OneIn(3) ? [.. Enumerable.Range(0, 1 + chance.Below(3)).Select(_ => (long)chance.Below(40_000))] : [],
    };

    private static FaultWindow[] Windows(Chance chance)
    {
        if (!chance.OneIn(3)) return [];
        int start = chance.Below(2000);
        return [new FaultWindow(start, start + 1 + chance.Below(chance.OneIn(2) ? 100 : 3000))];
    }

    private static int Number(string variable, int otherwise)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : otherwise;
}
