using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>A learning switch forwards the same with and without offload: hosts that move, addresses that age, rules that change.</summary>
public sealed class LearningProperties(ITestOutputHelper output) : IDisposable
{
    private const int EventCount = 200;
    private const long AgingMs = 300_000;

    /// <summary>Two rounds of the revalidator.</summary>
    private const long SettledMs = 1_100;

    private static readonly string[][] s_pipelines =
    [
        ["actions=normal"],
        ["priority=2,ip,actions=resubmit(,1)", "priority=1,actions=normal", "table=1,ip,actions=dec_ttl,normal"],
        ["udp,actions=ct(commit,table=1)", "priority=0,actions=normal", "table=1,actions=normal"],
        ["ip,actions=clone(set_field:9->ip_dscp,output:4),normal"],
        ["dl_vlan=5,actions=strip_vlan,normal", "priority=0,actions=normal"],
    ];

    private readonly CaseJudge _judge = new();

    public void Dispose() => output.WriteLine(_judge.Statistics.Report("packets"));

    [SeededProperty(MaxTest = 40, Arbitrary = [typeof(CaseArbitraries)])]
    public void Offload_of_a_learning_switch_is_transparent(CaseSeed seed)
        => _judge.CheckAgainstPlain(
            Make(seed.Value),
            "learning_transparency",
            new EngineSetup(OffloadMode.None, CacheOn: false, BatchSize: 1),
            evenIfAmbiguous: true,
            new EngineSetup(CacheOn: true, BatchSize: 32),
            new EngineSetup(OffloadMode.Soft, BatchSize: 1),
            new EngineSetup(OffloadMode.Soft, BatchSize: 32, Capacity: 4),
            new EngineSetup(OffloadMode.Nic, BatchSize: 1),
            new EngineSetup(OffloadMode.Nic, BatchSize: 32, NicProfile: TransparencyProperties.Profiles[seed.Value % TransparencyProperties.Profiles.Length]));

    [Fact]
    public void What_is_generated_is_offloaded()
    {
        for (int seed = 1; seed <= 20; seed++) _judge.CheckAgainstPlain(Make(seed), "learning_transparency", new EngineSetup(OffloadMode.None), evenIfAmbiguous: true, new EngineSetup(OffloadMode.Soft));
        string report = _judge.Statistics.Report("packets");
        Assert.True(_judge.Statistics["offloaded packets"] > 100, report);
    }

    /// <summary>
    /// Hosts at ports. Who moves is silent until what it has sent is counted: before that an address that two ports claim belongs to the one that was counted last, and a device
    /// counts at other times than software.
    /// </summary>
    private static FuzzCase Make(int seed)
    {
        var chance = new Chance(seed);
        uint[] places = [.. Domain.Hosts.Select(_ => chance.Of(Domain.Ports))];
        List<FuzzEvent> events = [];
        long now = 0;
        for (int i = 0; i < EventCount; i++)
        {
            now += chance.Weighted((20, 1L), (5, 120L), (3, 600L), (1, AgingMs + 1));
            int from = chance.Below(places.Length), to = chance.Below(places.Length);
            if (chance.OneIn(25))
            {
                places[from] = chance.Of(Domain.Ports);
                now += SettledMs;
            }

            if (chance.OneIn(60))
            {
                events.Add(new FuzzEvent(now, FuzzOp.FlowMods) { Lines = [chance.OneIn(2) ? "priority=9,udp,tp_dst=53,actions=drop" : "priority=9,udp,tp_dst=53,actions=normal"] });
                continue;
            }

            events.Add(new FuzzEvent(now, FuzzOp.Packet) { Port = places[from], Frame = FrameWriter.Write(Frame(chance, from, to)) });
        }

        return new FuzzCase($"learning_{seed}", Domain.Ports, s_pipelines[seed % s_pipelines.Length], [], events);
    }

    private static FrameSpec Frame(Chance chance, int from, int to) => new()
    {
        EthSrc = 0x0200_0000_0000 | ((ulong)from + 1),
        EthDst = chance.OneIn(12) ? 0xffff_ffff_ffff : 0x0200_0000_0000 | ((ulong)to + 1),
        Tags = chance.Weighted<IReadOnlyList<(ushort, ushort)>>((6, []), (2, [(0x8100, 5)]), (1, [(0x8100, 6)])),
        Src = Domain.Hosts[from],
        Dst = Domain.Hosts[to],
        SrcPort = 1024,
        DstPort = chance.OneIn(4) ? (ushort)53 : (ushort)80,
    };
}
