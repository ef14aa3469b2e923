using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>One datapath with several bridges that patches join does what these bridges do as switches of their own, output for output: in software, by merged rules, and whatever changes meanwhile.</summary>
public sealed class BridgeProperties(ITestOutputHelper output) : IDisposable
{
    private const int EventCount = 250;

    private readonly RunStatistics _statistics = new();

    public void Dispose() => output.WriteLine(_statistics.Report("packets"));

    [SeededProperty(MaxTest = 80, Arbitrary = [typeof(CaseArbitraries)])]
    public void Bridges_of_one_datapath_do_what_they_do_apart(CaseSeed seed)
    {
        BridgesCase @case = BridgesCase.Make(seed.Value, 2 + (seed.Value % 2), EventCount, conntrack: seed.Value % 3 != 0);
        foreach ((OffloadMode offload, int batch) in ((OffloadMode, int)[])[(OffloadMode.None, 1), (OffloadMode.None, 32), (OffloadMode.Soft, 1), (OffloadMode.Nic, 32)])
        {
            IReadOnlyList<string> faults = Faults(@case, offload, batch, forgets: false);
            Assert.True(faults.Count == 0, $"seed {seed.Value}, {@case.Bridges.Count} bridges, {offload}, batches of {batch}:\n{string.Join('\n', faults.Take(5))}");
        }
    }

    /// <summary>What is generated crosses patches, hits megaflows and merged rules.</summary>
    [Fact]
    public void What_is_generated_crosses_patches()
    {
        for (int seed = 1; seed <= 30; seed++) Faults(BridgesCase.Make(seed, 2 + (seed % 2), EventCount, conntrack: seed % 3 != 0), OffloadMode.Soft, 1, forgets: false);
        string report = _statistics.Report("packets");
        Assert.True(_statistics["crossings"] * 5 > _statistics["packets"], report);
        Assert.True(_statistics["merged hits"] * 10 > _statistics["packets"], report);
    }

    /// <summary>A datapath that looks at its megaflows only when the first bridge changes is caught.</summary>
    [Fact]
    public void Who_forgets_the_other_bridges_is_caught()
    {
        int caught = 0;
        for (int seed = 1; seed <= 60 && caught == 0; seed++) caught += Faults(BridgesCase.Make(seed, 2, EventCount, conntrack: false), OffloadMode.None, 1, forgets: true).Count;
        Assert.True(caught > 0, "the broken twin was not caught");
    }

    private List<string> Faults(BridgesCase @case, OffloadMode offload, int batch, bool forgets)
    {
        List<string> faults = [];
        BridgesModel model = new(@case, checksSequence: offload != OffloadMode.Nic);
        using BridgesRun run = new(@case, offload, batch, forgets);
        bool isWhole = true;
        for (int i = 0; i < @case.Events.Count && faults.Count == 0; i++)
        {
            (int bridge, FuzzEvent e) = @case.Events[i];
            List<string> want;
            try
            {
                want = model.Step(bridge, e);
            }
            catch (NotSupportedException)
            {
                isWhole = false;
                break;
            }

            if (model.Ambiguity is not null)
            {
                isWhole = false;
                break;
            }

            List<string> got = run.Step(bridge, e);
            if (e.Op == FuzzOp.Packet) _statistics.Add("packets");
            if (!want.SequenceEqual(got)) faults.Add($"event {i} at bridge {bridge}, {e.Op} {e.Port} {Convert.ToHexStringLower(e.Frame)} {string.Join(';', e.Lines)}:\n  apart {string.Join(' ', want)}\n  one   {string.Join(' ', got)}");
        }

        run.Settle();
        faults.AddRange(run.Drifts());
        _statistics.Add("crossings", (long)model.Crossed.Values.Aggregate(0UL, static (sum, n) => sum + n));
        _statistics.Add("megaflow hits", (long)(run.Datapath.Stats.MegaflowHits + run.Datapath.Stats.EmcHits));
        _statistics.Add("merged hits", (long)run.Datapath.Stats.MergedHits);
        if (!isWhole || faults.Count > 0) return faults;
        _statistics.Add("whole cases");
        for (int i = 0; i < @case.Bridges.Count; i++) faults.AddRange(CounterFaults(model, run, i));
        foreach (((int bridge, uint port), ulong crossed) in model.Crossed)
        {
            (int to, uint toPort) = BridgesCase.PeerOf(bridge, port);
            if (run.Counted(bridge, port).Tx != crossed || run.Counted(to, toPort).Rx != crossed) faults.Add($"patch port {port} of bridge {bridge}: {crossed} packets, counted {run.Counted(bridge, port).Tx} sent, {run.Counted(to, toPort).Rx} received");
        }

        return faults;
    }

    private static IEnumerable<string> CounterFaults(BridgesModel model, BridgesRun run, int bridge)
    {
        // Bytes are those of the packet as it came to the datapath, also for rules of a bridge that it came to with another tag (OVS n_bytes of a megaflow).
        Dictionary<ulong, (ulong Packets, ulong)> want = RunResult.ByCookie(model.Rules(bridge).Select(static r => (r.Cookie, r.Packets, 0UL)));
        Dictionary<ulong, (ulong Packets, ulong)> got = RunResult.ByCookie(run.Rules(bridge).Select(static r => (r.Cookie, r.Packets, 0UL)));
        foreach ((ulong cookie, (ulong Packets, ulong) counted) in want)
        {
            if (got.GetValueOrDefault(cookie).Packets != counted.Packets) yield return $"bridge {bridge}, cookie 0x{cookie:x}: {counted} apart, {got.GetValueOrDefault(cookie)} in one datapath";
        }
    }
}
