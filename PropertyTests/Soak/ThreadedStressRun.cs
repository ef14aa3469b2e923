using System.Diagnostics;
using System.Globalization;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// A switch on real threads under everything at once: connections that come and go, NAT, fragments, FTP and TFTP on several packet threads, while two threads change rules, groups, ports and
/// limits, flush, purge, dump, and move queues, and the NIC has faults. In the end every frame is accounted for, the books balance, and when all is taken back nothing is left.
/// </summary>
/// <remarks>
/// As many orders of each control thread as <c>MERGEFLOW_STRESS_ORDERS</c> says (40), or until <c>MERGEFLOW_STRESS_SECONDS</c> are over, in each of the cases; seeds from <c>MERGEFLOW_STRESS_SEED</c> on (1).
/// </remarks>
public sealed class ThreadedStressRun(ITestOutputHelper output)
{
    private const int Ports = 4;
    private const int QueuesPerPort = 2;
    private const int ControlThreads = 2;

    [Theory]
    [InlineData(OffloadMode.None, 2, 0)]
    [InlineData(OffloadMode.Soft, 1, 0)]
    [InlineData(OffloadMode.Soft, 2, 0)]
    [InlineData(OffloadMode.Soft, 4, 0)]
    [InlineData(OffloadMode.Nic, 2, 0)]
    [InlineData(OffloadMode.Nic, 4, 0)]
    [InlineData(OffloadMode.None, 2, 2)]
    [InlineData(OffloadMode.Soft, 2, 1)]
    [InlineData(OffloadMode.Nic, 2, 2)]
    public void Every_frame_is_accounted_for_whatever_happens_at_the_same_time(OffloadMode offload, int pmds, int handlers)
    {
        int seed = Number("MERGEFLOW_STRESS_SEED", 1), seconds = Number("MERGEFLOW_STRESS_SECONDS", 0), most = seconds > 0 ? int.MaxValue : Number("MERGEFLOW_STRESS_ORDERS", 40);
        CountingSink sink = new();
        using Engine.Runtime.Datapath d = new(
            new DatapathOptions
            {
                Ports = [.. Enumerable.Range(1, Ports).Select(static p => ($"p{p}", (uint)p))],
                PmdCount = pmds,
                HandlerCount = handlers,
                QueuesPerPort = QueuesPerPort,
                Offload = offload,
                NicFaults = Faults(seed),
                TcpSeqChk = false,
                ConnectionCapacity = 4096,
                MegaflowCapacity = offload == OffloadMode.None ? 1024 : 4096,
                MergedCapacity = 512,
                EmcEntryCount = 1024,
                PacketCapacity = 1200,
                FrameCapacityBytes = 2048,
                ConntrackSweepMs = 200,
                MaxRevalidatorMs = 50,
                MaxIdleMs = 300,
            },
            new OutputSinkAdapter(sink));
        d.ApplyFlowMods(Parse([.. SoakTraffic.Rules, .. StressTraffic.Rules]), Now);
        Dictionary<RxQueueName, RingRxQueue> rings = Enumerable.Range(0, Ports * QueuesPerPort).ToDictionary(static i => new RxQueueName((uint)(1 + (i / QueuesPerPort)), i % QueuesPerPort), static i => new RingRxQueue((uint)(1 + (i / QueuesPerPort)), 512, 2048));
        var watch = Stopwatch.StartNew();
        long sent = 0, orders = 0;
        bool ends = false;
        BookTotals device;
        using (ThreadedSwitch threads = new(d, rings.ToDictionary(static r => r.Key, static RxQueue (r) => r.Value), new ThreadedSwitchOptions { Sink = sink }))
        {
            threads.Start();
            Race.Run(1 + ControlThreads, i =>
            {
                if (i == 0)
                {
                    var frames = new StressTraffic(new Chance(seed));
                    while (!Volatile.Read(ref ends) && threads.Failure is null) Feed(frames, rings, threads, ref sent);
                    return;
                }

                var chance = new Chance(seed + (1000 * i));
                var traffic = new SoakTraffic(chance);
                for (int order = 0; order < most && threads.Failure is null && (seconds == 0 || watch.Elapsed.TotalSeconds < seconds); order++)
                {
                    Order(d, threads, chance, traffic);
                    Interlocked.Increment(ref orders);
                    Thread.Sleep(chance.Below(8));
                }

                Volatile.Write(ref ends, true);
            }, TimeSpan.FromSeconds(seconds + 300));
            for (SpinWait spin = default; threads.Failure is null && rings.Values.Any(static r => r.Count > 0); spin.SpinOnce())
            {
                // Whoever polls the queues has not seen all yet.
            }

            threads.Stop();
            device = threads.Pollers.Device ?? default;
        }

        foreach (RingRxQueue ring in rings.Values) ring.Dispose();
        Check(d, offload, sent, sink, device);
        output.WriteLine($"{offload}, {pmds} packet threads, {handlers} handlers, seed {seed}: {sent} frames, {sink.Count} sent, {orders} orders, {d.Stats.Upcalls} upcalls, {d.Stats.UpcallsUninstalled} without room for a megaflow, {d.Conntrack.RefusedConnections} connections refused, {Expected(d)} packets expected, {d.Offload?.Stats.Installed ?? 0} rules, {d.Offload?.Stats.Hits ?? 0} packets by them, {watch.Elapsed.TotalSeconds:F0} s");
        Assert.True(Expected(d) > 0, "no data connection was expected");
        Assert.True(offload == OffloadMode.None || d.Offload!.Stats.Hits > 100, $"nothing was offloaded: {d.Offload?.Stats.Traces} traces, suspended {d.Offload?.IsSuspended}, {string.Join(", ", ReasonsOf(d))}");
        TakeBack(d);
    }

    private static void Feed(StressTraffic traffic, Dictionary<RxQueueName, RingRxQueue> rings, ThreadedSwitch threads, ref long sent)
    {
        var rss = new ReceiveSideScaling(1, isSymmetric: false);
        for (int i = 0; i < 2000; i++)
        {
            foreach ((uint port, byte[] frame) in traffic.Next())
            {
                RingRxQueue ring = rings[new RxQueueName(port, (int)(rss.HashOf(frame) % QueuesPerPort))];
                for (SpinWait spin = default; !ring.TrySend(frame); spin.SpinOnce())
                {
                    if (threads.Failure is not null) return;
                }

                sent++;
            }
        }
    }

    private static void Order(Engine.Runtime.Datapath d, ThreadedSwitch threads, Chance chance, SoakTraffic traffic)
    {
        try
        {
            switch (chance.Below(16))
            {
                case 0 when chance.OneIn(3):
                    d.FlushConntrack(chance.Of<ushort?>([null, 1, 2, 3, 4]), Now);
                    break;
                case 1:
                    uint port = 1 + (uint)chance.Below(Ports);
                    d.Ports.SetLink(port, false, Now);
                    d.Ports.SetLink(port, true, Now);
                    break;
                case 2 when chance.OneIn(3):
                    d.PurgeMegaflows(Now);
                    break;
                case 3:
                    d.Settle(Now);
                    break;
                case 4:
                    d.ApplyGroupMod(FuzzCase.Parser.ParseGroup(traffic.GroupMod()), Now);
                    break;
                case 5 or 6:
                    threads.Pollers.MoveQueue(new RxQueueName(1 + (uint)chance.Below(Ports), chance.Below(QueuesPerPort)), chance.Below(d.Pmds.Count));
                    break;
                case 7:
                    _ = (d.DumpConnections(Now).Count, d.DumpMegaflows(Now).Count);
                    break;
                case 8 or 9:
                    // Some changes take away all of these.
                    d.ApplyFlowMods(Parse(SoakTraffic.Rules.Where(static l => !l.StartsWith("table=0", StringComparison.Ordinal))), Now);
                    break;
                default:
                    // The rules of table 0 stay: each frame is counted by one of them.
                    FlowMod[] mods = [.. Enumerable.Range(0, 1 + chance.Below(4)).Select(_ => traffic.FlowMod()).Where(static l => !l.Contains("table=0", StringComparison.Ordinal)).Select(static l => FuzzCase.Parser.ParseFlow(l))];
                    d.ApplyFlowMods(mods, Now);
                    break;
            }
        }
        catch (FlowModException)
        {
            // A group that is not there.
        }
    }

    private static void Check(Engine.Runtime.Datapath d, OffloadMode offload, long sent, CountingSink sink, BookTotals device)
    {
        // A revoked rule's last counts come with its removal, of which the device may have lost the answer.
        d.Offload?.AcknowledgeRemoval(Now);

        // What megaflows have counted goes to the rules, and what that teaches is looked at.
        for (int i = 0; i < 3; i++) d.Settle(Now);
        Assert.Equal((ulong)sent, d.Stats.Rx + device.Packets);
        ulong counted = d.Pipeline.Rules.Where(static r => r.Table == 0).Aggregate(0ul, static (sum, r) => sum + r.Packets);
        string books = offload == OffloadMode.None ? "" : string.Join("; ", d.Audit(Now, offload == OffloadMode.Nic ? device : null, pushed: true).Lines);
        ulong refused = d.Stats.UpcallsRefusedFirst;
        Assert.True((ulong)sent == counted + refused, $"{sent} frames, {counted} counted by rules, {refused} refused before; {d.Stats.Rx} in software, {device.Packets} by the NIC; {books}");
        Assert.Equal((ulong)sink.Count, Enumerable.Range(1, Ports).Aggregate(0ul, (sum, p) => sum + d.CountersOf((uint)p).Packets));
        if (offload == OffloadMode.None) return;
        OffloadAudit audit = d.Audit(Now, offload == OffloadMode.Nic ? device : null, pushed: true);
        Assert.True(audit.IsBalanced, string.Join('\n', audit.Lines));
        Assert.Equal(d.Stats.MergedHits + device.Packets, d.Offload!.Stats.Hits);
        Assert.Equal(0ul, d.Offload.Stats.Failures);
    }

    private static IEnumerable<string> ReasonsOf(Engine.Runtime.Datapath d)
    {
        if (d.Offload is null) return [];
        ReasonTotals totals = d.Offload!.Report.RefusedTotals();
        return Enum.GetValues<OffloadReason>().Where(r => totals.Packets(r) > 0).Select(r => $"{r} {totals.Packets(r)}");
    }

    private static ulong Expected(Engine.Runtime.Datapath d) => d.Pipeline.Rules.Where(static r => r.Cookie == StressTraffic.ExpectedCookie).Aggregate(0ul, static (sum, r) => sum + r.Packets);

    /// <summary>Everything is taken back and its time passes: what is left, is left for ever.</summary>
    private static void TakeBack(Engine.Runtime.Datapath d)
    {
        d.FlushConntrack(null, Now);
        d.ApplyFlowMods(Parse(["delete"]), Now);
        for (int i = 1; i <= 4; i++) d.Expire(Now + (60_000 * i));
        (string What, long Count)[] left =
        [
            ("connections", d.Conntrack.Count),
            ("megaflows", d.MegaflowCount),
            ("recirculation ids", d.Recirc.Count),
            ("packets", d.Pmds.Sum(static p => p.Pool.InUse)),
            ("held fragments", d.Conntrack.HeldFragments),
            ("merged rules", d.Offload?.RuleCount ?? 0),
            ("rules in the device", d.Offload?.Provider.RuleCount ?? 0),
        ];
        Assert.Equal("", string.Join(", ", left.Where(static l => l.Count != 0).Select(static l => $"{l.Count} {l.What} left")));
    }

    /// <summary>Faults of all kinds but frozen counters, now and then from now on: with these a reset loses hits that nobody can know of.</summary>
    private static FaultPlan Faults(int seed) => new()
    {
        Seed = (ulong)seed,
        RefuseEveryNthCreate = 7,
        TableFullEveryNthCreate = 11,
        DelayCompletionChance = 0.1,
        DelayCompletionMaxMs = 30,
        LoseCompletionChance = 0.02,
        DuplicateCompletionChance = 0.05,
        Stalls = [.. Enumerable.Range(1, 500).Select(static n => new FaultWindow(Now + (n * 1700), 60))],
        ResetsAtMs = [.. Enumerable.Range(1, 500).Select(static n => Now + (n * 2300))],
    };

    private static long Now => Environment.TickCount64;

    private static List<FlowMod> Parse(IEnumerable<string> lines) => [.. lines.Select(static l => FuzzCase.Parser.ParseFlow(l))];

    private static int Number(string variable, int otherwise)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : otherwise;

    private sealed class CountingSink : IOutputSink
    {
        private long _count;

        public long Count => Volatile.Read(ref _count);

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => Interlocked.Increment(ref _count);
    }
}
