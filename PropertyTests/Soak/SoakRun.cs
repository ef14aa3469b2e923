using System.Diagnostics;
using System.Globalization;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// A switch that runs for long: weeks of its own clock, with connections, rules, groups, ports and faults that come and go, without offload, with merged rules in
/// software (plenty of room, and too little), and on a NIC with faults, fed alike. They answer alike; at each ebb, when all is flushed and idle, nothing
/// is left of anything, the books balance, and the process is no larger than at the first ones.
/// </summary>
/// <remarks>
/// <c>MERGEFLOW_SOAK_MINUTES</c> says how long (without it <see cref="DefaultEbbs"/> ebbs), <c>MERGEFLOW_SOAK_SEED</c> from which seed on (1),
/// <c>MERGEFLOW_SOAK_LOG</c> where a line per ebb goes.
/// </remarks>
public sealed class SoakRun(ITestOutputHelper output)
{
    private const int DefaultEbbs = 3;
    private const int RoundsPerEbb = 150;
    private const int PacketsPerRound = 64;
    private const long HourMs = 3_600_000;

    private readonly List<string> _faults = [];
    private readonly List<(double ManagedMiB, double ResidentMiB, double SlotsMiB)> _sizes = [];
    private readonly StreamWriter? _log = Environment.GetEnvironmentVariable("MERGEFLOW_SOAK_LOG") is { Length: > 0 } path ? new StreamWriter(path, append: true) { AutoFlush = true } : null;
    private SoakSwitch[] _switches = [];
    private long _nowMs;
    private long _events;
    private int _changes;

    [Fact]
    public void A_long_life_leaves_nothing_behind()
    {
        int minutes = Number("MERGEFLOW_SOAK_MINUTES", 0), first = Number("MERGEFLOW_SOAK_SEED", 1);
        using SoakSwitch plain = new("none", OffloadMode.None, 1) { IsWatched = true };
        using SoakSwitch soft = new("soft", OffloadMode.Soft, 32);
        using SoakSwitch small = new("soft, 64 rules", OffloadMode.Soft, 7, mergedCapacity: 64);
        using SoakSwitch nic = new("nic", OffloadMode.Nic, 32, Faults());
        _switches = [plain, soft, small, nic];
        foreach (SoakSwitch s in _switches) s.Simulator.ApplyFlowMods(Parse(SoakTraffic.Rules));
        var watch = Stopwatch.StartNew();
        int seed = first;
        for (; minutes == 0 ? seed < first + DefaultEbbs : watch.Elapsed.TotalMinutes < minutes; seed++)
        {
            Flood(seed);
            Ebb(seed, watch.Elapsed);
            if (_faults.Count > 0) break;
        }

        Assert.True(soft.Simulator.Datapath.Offload!.Stats.Hits > 100 && nic.Simulator.Datapath.Offload!.Stats.Hits > 100, "nothing was offloaded");
        foreach (string fault in _faults) Say($"FAULT {fault}");
        Say($"{(_faults.Count == 0 ? "OK" : "FAILED")}: seeds {first}..{seed - 1}, {_events} packets, {_changes} changes, {TimeSpan.FromMilliseconds(_nowMs).TotalDays:F1} days of the switch's clock, {_switches.Length} switches, {watch.Elapsed.TotalSeconds:F0} s");
        _log?.Dispose();
        Assert.Empty(_faults);
    }

    /// <summary>Traffic and changes, from one seed.</summary>
    private void Flood(int seed)
    {
        var chance = new Chance(seed);
        var traffic = new SoakTraffic(chance);
        for (int round = 0; round < RoundsPerEbb && _faults.Count == 0; round++)
        {
            _nowMs += chance.Weighted((60, 1), (20, 40), (10, 700), (4, 5000), (2, 31_000), (1, HourMs));
            Each(s => s.AdvanceTo(_nowMs));
            for (int i = 0; i < PacketsPerRound; i++)
            {
                foreach ((uint port, byte[] frame, Talk? talk) in traffic.Next()) Send(port, frame, talk);
            }

            Each(static s => s.ProcessPending());
            foreach (SoakSwitch s in _switches)
            {
                if ((s.Sum, s.SentCount) != (_switches[0].Sum, _switches[0].SentCount)) _faults.Add($"seed {seed} round {round}: '{s.Name}' sent other packets ({s.SentCount}) than '{_switches[0].Name}' ({_switches[0].SentCount})");
            }

            if (chance.OneIn(3)) Change(chance, traffic);
        }
    }

    private void Send(uint port, byte[] frame, Talk? talk)
    {
        _switches[0].Last = null;
        Each(s => s.Receive(port, frame, _events));
        _events++;
        if (talk is not null && _switches[0].Last is { } sent) talk.Saw(sent.Port, sent.Frame);
    }

    private void Change(Chance chance, SoakTraffic traffic)
    {
        _changes++;
        switch (chance.Below(12))
        {
            case 0:
                ushort? zone = chance.Of<ushort?>([null, 1, 2, 3]);
                Each(s => s.FlushConntrack(zone));
                break;
            case 1:
                uint port = 1 + (uint)chance.Below(4);
                Each(s => s.SetPort(port, false));
                Each(s => s.SetPort(port, true));
                break;
            case 2:
                Each(static s => s.Purge());
                break;
            case 3:
                uint? limit = chance.Of<uint?>([null, 20, 1000]);
                Each(s => s.SetConntrackLimit(2, limit));
                break;
            case 4 or 5:
                GroupMod group = FuzzCase.Parser.ParseGroup(traffic.GroupMod());
                EachAlike(s => s.ApplyGroupMod(group));
                break;
            default:
                FlowMod mod = FuzzCase.Parser.ParseFlow(traffic.FlowMod());
                EachAlike(s => s.ApplyFlowMods([mod]));
                break;
        }
    }

    /// <summary>Everything is taken back and its time passes: what is left, is left for ever.</summary>
    private void Ebb(int seed, TimeSpan elapsed)
    {
        if (_faults.Count > 0) return;
        _faults.AddRange(_switches.SelectMany(static s => s.Drifts()));
        Each(static s => s.FlushConntrack(null));
        Each(s => s.ApplyGroupMod(FuzzCase.Parser.ParseGroup("delete")));
        Each(s => s.ApplyFlowMods(Parse(["delete", .. SoakTraffic.Rules])));
        for (int i = 0; i < 4; i++)
        {
            _nowMs += 60_000;
            Each(s => s.AdvanceTo(_nowMs));
        }

        _faults.AddRange(_switches.SelectMany(static s => s.Drifts()).Concat(_switches.SelectMany(static s => s.Leftovers())).Select(f => $"ebb of seed {seed}: {f}"));
        CheckSize();
        PmdStats stats = _switches[1].Simulator.Datapath.Pmd.Stats;
        Say(string.Create(CultureInfo.InvariantCulture, $"{elapsed:hh\\:mm\\:ss} seed {seed}: day {TimeSpan.FromMilliseconds(_nowMs).TotalDays:F2}, {_events} packets, {_changes} changes, merged hits {string.Join(" ", _switches.Skip(1).Select(s => s.Simulator.Datapath.Offload!.Stats.Hits))}, rules installed {string.Join(" ", _switches.Skip(1).Select(s => s.Simulator.Datapath.Offload!.Stats.Installed))}, upcalls {stats.Upcalls}, megaflow slots {_switches[1].Simulator.Datapath.Megaflows.HighWater}, managed {_sizes[^1].ManagedMiB:F1} MiB, resident {_sizes[^1].ResidentMiB:F1} MiB"));
    }

    /// <summary>
    /// Later ebbs find the process as large as the first ones, give or take what a collector keeps, and megaflow slots that were used for the first time meanwhile:
    /// a slot keeps its object, and there are as many as there were megaflows at once.
    /// </summary>
    private void CheckSize()
    {
        const int Warmup = 10;
        double managed = GC.GetTotalMemory(forceFullCollection: true) / 1048576.0;
        const double MegaflowKiB = 1.5;
        _sizes.Add((managed, Environment.WorkingSet / 1048576.0, _switches.Sum(static s => s.Simulator.Datapath.Megaflows.HighWater) * MegaflowKiB / 1024));
        if (_sizes.Count <= 2 * Warmup) return;
        (double baseManaged, double baseResident) = (_sizes.Skip(Warmup / 2).Take(Warmup).Average(static s => s.ManagedMiB), _sizes.Skip(Warmup / 2).Take(Warmup).Average(static s => s.ResidentMiB));
        double slots = _sizes[^1].SlotsMiB - _sizes[Warmup / 2].SlotsMiB;
        (double nowManaged, double nowResident) = (_sizes.TakeLast(5).Average(static s => s.ManagedMiB), _sizes.TakeLast(5).Average(static s => s.ResidentMiB));
        if (nowManaged > (baseManaged * 1.1) + 4 + slots) _faults.Add($"managed memory has grown from {baseManaged:F1} to {nowManaged:F1} MiB");
        if (nowResident > (baseResident * 1.2) + 32 + slots) _faults.Add($"resident memory has grown from {baseResident:F1} to {nowResident:F1} MiB");
    }

    private void Each(Action<Simulator> action)
    {
        foreach (SoakSwitch s in _switches) action(s.Simulator);
    }

    /// <summary>All do it, or all refuse.</summary>
    private void EachAlike(Action<Simulator> action)
    {
        string?[] refusals = [.. _switches.Select(s =>
        {
            try
            {
                // What was counted is counted for the rules as they were.
                s.Simulator.Settle();
                action(s.Simulator);
                return null;
            }
            catch (FlowModException e)
            {
                return e.Message;
            }
        })];
        if (refusals.Distinct().Count() > 1) _faults.Add($"a change is refused by some only: {string.Join(" | ", refusals)}");
    }

    private void Say(string line)
    {
        output.WriteLine(line);
        _log?.WriteLine(line);
    }

    private static List<FlowMod> Parse(IEnumerable<string> lines) => [.. lines.Select(static l => FuzzCase.Parser.ParseFlow(l))];

    /// <summary>Faults of all kinds but frozen counters: with these a reset loses hits that nobody can know of.</summary>
    private static FaultPlan Faults() => new()
    {
        Seed = 7,
        RefuseEveryNthCreate = 7,
        TableFullEveryNthCreate = 11,
        DelayCompletionChance = 0.1,
        DelayCompletionMaxMs = 500,
        LoseCompletionChance = 0.05,
        DuplicateCompletionChance = 0.05,
        Stalls = [.. Enumerable.Range(1, 200).Select(static n => new FaultWindow((n * HourMs) + 1000, 2000))],
        ResetsAtMs = [.. Enumerable.Range(1, 2000).Select(static n => (n * HourMs / 2) + 7777)],
    };

    private static int Number(string variable, int otherwise)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : otherwise;
}
