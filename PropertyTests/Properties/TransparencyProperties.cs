using FsCheck.Xunit;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Caches, batches and offload cannot be seen: not in the packets, not in the counters of rules and connections, not in the connections
/// (properties 3, 4, 5, 6 and 12 of the contract). The plain run has no cache, no offload and batches of one.
/// </summary>
public sealed class TransparencyProperties(ITestOutputHelper output) : IDisposable
{
    /// <summary>Profiles of the emulated NIC that come with it.</summary>
    internal static readonly string[] Profiles = ["ideal", "tiny", "no-nat", "single-table-small", "slow-insert", "no-tcp-flags-match"];

    /// <summary>What is frozen thaws before the result is read.</summary>
    private const int QuietMs = 5200;

    private static readonly EngineSetup s_plain = new(OffloadMode.None, CacheOn: false, BatchSize: 1);
    private readonly CaseJudge _judge = new();

    public void Dispose() => output.WriteLine(_judge.Statistics.Report("packets"));

    [SeededProperty(MaxTest = 40, Arbitrary = [typeof(CaseArbitraries)])]
    public void Caches_and_batches_are_transparent(CaseSeed seed)
        => _judge.CheckAgainstPlain(
            CaseGenerator.Make(seed.Value, 150),
            "cache_transparency",
            s_plain,
            new EngineSetup(CacheOn: true, BatchSize: 1),
            new EngineSetup(CacheOn: true, BatchSize: 32, Seed: 9),
            new EngineSetup(CacheOn: false, BatchSize: 2 + (seed.Value % 30)));

    [SeededProperty(MaxTest = 40, Arbitrary = [typeof(CaseArbitraries)])]
    public void Soft_offload_is_transparent(CaseSeed seed)
        => _judge.CheckAgainstPlain(
            CaseGenerator.Make(seed.Value, 150),
            "soft_transparency",
            s_plain,
            new EngineSetup(OffloadMode.Soft, BatchSize: 1),
            new EngineSetup(OffloadMode.Soft, BatchSize: 3, Capacity: 2),
            new EngineSetup(OffloadMode.Soft, CacheOn: false, BatchSize: 32));

    [SeededProperty(MaxTest = 40, Arbitrary = [typeof(CaseArbitraries)])]
    public void NIC_offload_is_transparent(CaseSeed seed)
        => _judge.CheckAgainstPlain(
            CaseGenerator.Make(seed.Value, 150, checksSequence: false),
            "nic_transparency",
            s_plain,
            new EngineSetup(OffloadMode.Nic, BatchSize: 1),
            new EngineSetup(OffloadMode.Nic, BatchSize: 32, NicProfile: Profiles[seed.Value % Profiles.Length]));

    [SeededProperty(MaxTest = 40, Arbitrary = [typeof(CaseArbitraries)])]
    public void A_faulty_NIC_is_transparent(CaseSeed seed)
    {
        var faults = new FaultPlan
        {
            Seed = (ulong)seed.Value,
            RefuseEveryNthCreate = seed.Value % 3 == 0 ? 3 : 0,
            TableFullEveryNthCreate = seed.Value % 5 == 0 ? 4 : 0,
            DelayCompletionChance = seed.Value % 2 == 0 ? 0.3 : 0,
            DelayCompletionMaxMs = 50,
            LoseCompletionChance = seed.Value % 7 == 0 ? 0.1 : 0,
            DuplicateCompletionChance = seed.Value % 11 == 0 ? 0.1 : 0,
            Stalls = seed.Value % 4 == 0 ? [new FaultWindow(50, 400)] : [],
            CounterFreezes = seed.Value % 6 == 0 ? [new FaultWindow(100, 5000)] : [],
            ResetsAtMs = seed.Value % 9 == 0 && seed.Value % 6 != 0 ? [200] : [],
        };
        FuzzCase @case = CaseGenerator.Make(seed.Value, 150, checksSequence: false);
        _judge.CheckAgainstPlain(
            faults.CounterFreezes.Count > 0 ? @case.WithoutModifications() : @case,
            "nic_faults",
            s_plain with { QuietMs = QuietMs },
            new EngineSetup(OffloadMode.Nic, BatchSize: 1 + (seed.Value % 32), Faults: faults, QuietMs: QuietMs));
    }
}
