using FsCheck.Xunit;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// The whole engine against the interpreter: random rules, random conversations, same packets on the same ports, same counters, same
/// connections (properties 3, 4 and 10 of the contract).
/// </summary>
public sealed class WholeSwitchProperties(ITestOutputHelper output) : IDisposable
{
    private readonly CaseJudge _judge = new();

    public void Dispose() => output.WriteLine(_judge.Statistics.Report("packets"));

    [SeededProperty(MaxTest = 60, Arbitrary = [typeof(CaseArbitraries)])]
    public void Software_path_is_the_reference(CaseSeed seed)
        => _judge.CheckAgainstReference(CaseGenerator.Make(seed.Value, 120), "whole_switch", new EngineSetup(BatchSize: 1 + (seed.Value % 32), CacheOn: seed.Value % 3 != 0));

    [SeededProperty(MaxTest = 60, Arbitrary = [typeof(CaseArbitraries)])]
    public void Stateless_software_path_is_the_reference(CaseSeed seed)
        => _judge.CheckAgainstReference(CaseGenerator.Make(seed.Value, 120, conntrack: false), "stateless", new EngineSetup(BatchSize: 1 + (seed.Value % 32)));

    [SeededProperty(MaxTest = 60, Arbitrary = [typeof(CaseArbitraries)])]
    public void Rules_that_packets_add_are_the_reference_s(CaseSeed seed)
        => _judge.CheckAgainstReference(
            CaseGenerator.Make(seed.Value, 120, conntrack: seed.Value % 2 == 0, learns: true),
            "learned_rules",
            new EngineSetup(seed.Value % 3 == 0 ? OffloadMode.Soft : OffloadMode.None, BatchSize: 1 + (seed.Value % 32), CacheOn: seed.Value % 5 != 0));

    [SeededProperty(MaxTest = 60, Arbitrary = [typeof(CaseArbitraries)])]
    public void Soft_offload_is_the_reference(CaseSeed seed)
        => _judge.CheckAgainstReference(CaseGenerator.Make(seed.Value, 160), "soft_offload", new EngineSetup(OffloadMode.Soft, BatchSize: 1 + (seed.Value % 32)));

    [SeededProperty(MaxTest = 40, Arbitrary = [typeof(CaseArbitraries)])]
    public void NIC_offload_is_the_reference(CaseSeed seed)
        => _judge.CheckAgainstReference(
            CaseGenerator.Make(seed.Value, 160, checksSequence: false),
            "nic_offload",
            new EngineSetup(OffloadMode.Nic, BatchSize: 1 + (seed.Value % 32), NicProfile: TransparencyProperties.Profiles[seed.Value % TransparencyProperties.Profiles.Length]));
}
