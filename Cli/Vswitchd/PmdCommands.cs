using System.Globalization;
using System.Text;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>Questions and orders of <c>ovs-appctl</c> about packet threads: <c>dpif-netdev/pmd-*</c> (OVS <c>dpif_netdev_pmd_info</c>).</summary>
internal sealed class PmdCommands(Vswitchd vswitchd)
{
    private const int IntervalSeconds = LoadHistory.IntervalMs / 1000;
    private const int MaxSeconds = IntervalSeconds * LoadHistory.Count;

    /// <summary>What main threads had counted when somebody asked to begin anew, by datapath.</summary>
    private readonly Dictionary<int, PmdStats> _cleared = [];

    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("dpif-netdev/pmd-stats-show", "[-pmd core] [dp]", 0, 3, words => vswitchd.Locked(() => ShowStats(Asked(words))));
        commands.Add("dpif-netdev/pmd-stats-clear", "[-pmd core] [dp]", 0, 3, words => vswitchd.Locked(() => Clear(Asked(words))));
        commands.Add("dpif-netdev/pmd-rxq-show", "[-pmd core] [-secs secs] [dp]", 0, 5, words => vswitchd.Locked(() => ShowQueues(Asked(words))));
        commands.Add("dpif-netdev/pmd-rxq-rebalance", "[dp]", 0, 1, words => vswitchd.Locked(() =>
        {
            Asked(words, isStrict: words.Count > 0).Datapath.Live.Pmds.Rebalance();
            return "pmd rxq rebalance requested.\n";
        }));
    }

    private static string ShowQueues(Question asked)
    {
        int seconds = asked.Seconds is 0 or > MaxSeconds ? MaxSeconds : (asked.Seconds + IntervalSeconds - 1) / IntervalSeconds * IntervalSeconds;
        StringBuilder text = new();
        if (asked.Threads.Any() || asked.IsMain) text.Append(CultureInfo.InvariantCulture, $"Displaying last {seconds} seconds pmd usage %\n");
        foreach (PmdPlace thread in asked.Threads)
        {
            text.Append(CultureInfo.InvariantCulture, $"pmd thread numa_id {thread.Cpu.Node} core_id {thread.Cpu.Cpu}:\n  isolated : {(thread.IsIsolated ? "true" : "false")}\n");
            AppendQueues(text, thread.Queues, thread, seconds / IntervalSeconds);
        }

        if (asked.IsMain && asked.Pmds.MainQueues is { Count: > 0 } queues) AppendQueues(text.Append("main thread:\n"), queues, null, seconds / IntervalSeconds);
        return text.ToString();
    }

    private static void AppendQueues(StringBuilder text, IReadOnlyList<PmdQueue> queues, PmdPlace? thread, int intervals)
    {
        long whole = (thread?.IntervalTicks ?? 0) * intervals, sum = 0;
        foreach (PmdQueue queue in queues)
        {
            long busy = queue.History.Sum(intervals);
            sum += busy;
            text.Append(CultureInfo.InvariantCulture, $"  port: {queue.Of.Name,-16}  queue-id: {queue.Name.Index,2} (enabled)   pmd usage: {Percent(busy, whole)}\n");
        }

        if (queues.Count > 0) text.Append(CultureInfo.InvariantCulture, $"  overhead: {Percent(Math.Max(0, Math.Min(thread?.BusyTicks(intervals) ?? 0, whole) - sum), whole)}\n");
    }

    private static string Percent(long part, long whole) => whole == 0 ? "NOT AVAIL" : string.Create(CultureInfo.InvariantCulture, $"{part * 100 / whole,2} %");

    private string ShowStats(Question asked)
    {
        bool merges = asked.Datapath.Datapath.Offload is not null;
        StringBuilder text = new();
        foreach (PmdPlace thread in asked.Threads) AppendStats(text, string.Create(CultureInfo.InvariantCulture, $"pmd thread numa_id {thread.Cpu.Node} core_id {thread.Cpu.Cpu}"), thread.Stats, merges);
        if (asked.IsMain) AppendStats(text, "main thread", StatsOfMain(asked.Datapath), merges);
        return text.ToString();
    }

    private PmdStats StatsOfMain(SharedDatapath datapath) => datapath.Datapath.Pmds[DatapathPmds.Main].Thread.Stats.Since(_cleared.GetValueOrDefault(datapath.Datapath.TelemetryId));

    /// <summary>Caches that Mergeflow does not have have no hits; merged rules are a line more.</summary>
    private static void AppendStats(StringBuilder text, string thread, in PmdStats s, bool merges)
    {
        text.Append(CultureInfo.InvariantCulture, $"{thread}:\n  packets received: {s.Rx}\n  packet recirculations: {s.Recirculations}\n");
        text.Append(CultureInfo.InvariantCulture, $"  avg. datapath passes per packet: {Ratio(s.Passes, s.Rx)}\n  phwol hits: 0\n  mfex opt hits: 0\n  simple match hits: 0\n  emc hits: {s.EmcHits}\n  smc hits: 0\n  megaflow hits: {s.MegaflowHits}\n");
        text.Append(CultureInfo.InvariantCulture, $"  avg. subtable lookups per megaflow hit: {Ratio(s.SubtablesProbed, s.MegaflowHits)}\n  miss with success upcall: {s.Upcalls - s.UpcallsUninstalled}\n");
        text.Append(CultureInfo.InvariantCulture, $"  miss with failed upcall: {s.UpcallsUninstalled}\n  avg. packets per input batch: {Ratio(s.Rx, s.Batches)}\n");
        if (merges) text.Append(CultureInfo.InvariantCulture, $"  merged rule hits: {s.MergedHits}\n");
    }

    private string Clear(Question asked)
    {
        foreach (PmdPlace thread in asked.Threads) thread.ClearStats();
        if (asked.IsMain) _cleared[asked.Datapath.Datapath.TelemetryId] = asked.Datapath.Datapath.Pmds[DatapathPmds.Main].Thread.Stats;
        return "";
    }

    /// <summary>What is asked for; a name that is none's is passed over where there is one datapath, unless it has to be right (OVS <c>dpif_netdev_pmd_info</c>, <c>dpif_netdev_pmd_rebalance</c>).</summary>
    private Question Asked(IReadOnlyList<string> words, bool isStrict = false)
    {
        uint? core = null, seconds = null;
        SharedDatapath[] all = [.. SharedDatapath.All(vswitchd, [], withManual: true)];
        SharedDatapath? named = null;
        for (int at = 0; at < words.Count; at++)
        {
            bool hasValue = at + 1 < words.Count;
            if (words[at] == "-pmd" && hasValue) core = Number(words[++at]);
            else if (words[at] == "-secs" && hasValue) seconds = Number(words[++at]) ?? MaxSeconds;
            else named = Array.Find(all, d => d.Name == words[at] || d.Name.EndsWith($"@{words[at]}", StringComparison.Ordinal));
        }

        SharedDatapath datapath = named ?? (all.Length == 1 && !isStrict ? all[0] : throw new UnixctlException("please specify an existing datapath"));
        return new Question(datapath, core, (int)Math.Min(seconds ?? 0, int.MaxValue));
    }

    private static uint? Number(string text) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number : null;

    private static string Ratio(ulong a, ulong b) => (b == 0 ? 0.0 : (double)a / b).ToString("F2", CultureInfo.InvariantCulture);

    /// <summary>What is asked for.</summary>
    /// <param name="Datapath">Whose threads.</param>
    /// <param name="Core">The one on this processor; null = all of them.</param>
    /// <param name="Seconds">How far back; 0 = as far as is known.</param>
    private sealed record Question(SharedDatapath Datapath, uint? Core, int Seconds)
    {
        public DatapathPmds Pmds => Datapath.Live.Pmds;

        public bool IsMain => Core is null;

        public IEnumerable<PmdPlace> Threads => Pmds.Threads.Where(t => Core is null || t.Cpu.Cpu == Core);
    }
}
