using System.Globalization;
using System.Text;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>Questions of <c>ovs-appctl</c> about packet threads and what the process has done: <c>dpif-netdev/pmd-*</c>, <c>upcall/show</c>, <c>coverage/*</c>, <c>memory/show</c>.</summary>
internal sealed class ThreadCommands(Vswitchd vswitchd)
{
    /// <summary>What had been counted when somebody asked to begin anew, by datapath.</summary>
    private readonly Dictionary<int, PmdStats> _cleared = [];

    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("dpif-netdev/pmd-stats-show", "[-pmd core] [dp]", 0, 3, _ => vswitchd.Locked(() => string.Concat(SharedDatapath.All(vswitchd, []).Select(Show))));
        commands.Add("dpif-netdev/pmd-stats-clear", "[-pmd core] [dp]", 0, 3, _ => vswitchd.Locked(Clear));
        commands.Add("dpif-netdev/pmd-rxq-show", "[-pmd core] [-secs secs] [dp]", 0, 5, _ => vswitchd.Locked(ShowQueues));
        commands.Add("coverage/show", "", 0, 0, _ => vswitchd.Locked(() => vswitchd.Coverage.Show()));
        commands.Add("coverage/read-counter", "COUNTER", 1, 1, words => vswitchd.Locked(() => vswitchd.CountOf(words[0]) is { } count ? count.ToString(CultureInfo.InvariantCulture) + "\n" : throw new UnixctlException("No such counter")));
        commands.Add("memory/show", "", 0, 0, _ => vswitchd.Locked(ShowMemory));
    }

    private string Show(SharedDatapath datapath)
    {
        PmdStats s = datapath.Stats.Since(_cleared.GetValueOrDefault(datapath.Datapath.TelemetryId));
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"pmd threads of {datapath.Name}:\n  packets received: {s.Rx}\n  packet recirculations: {s.Recirculations}\n");
        text.Append(CultureInfo.InvariantCulture, $"  avg. datapath passes per packet: {Ratio(s.Passes, s.Rx)}\n  merged rule hits: {s.MergedHits}\n  emc hits: {s.EmcHits}\n  megaflow hits: {s.MegaflowHits}\n");
        text.Append(CultureInfo.InvariantCulture, $"  avg. subtable lookups per megaflow hit: {Ratio(s.SubtablesProbed, s.MegaflowHits)}\n  miss with success upcall: {s.Upcalls - s.UpcallsUninstalled}\n");
        text.Append(CultureInfo.InvariantCulture, $"  miss with failed upcall: {s.UpcallsUninstalled}\n  avg. packets per input batch: {Ratio(s.Rx, s.Batches)}\n");
        return text.ToString();
    }

    private string Clear()
    {
        foreach (LiveDatapath datapath in vswitchd.Datapaths) _cleared[datapath.Datapath.TelemetryId] = datapath.Datapath.Stats;
        return "";
    }

    private string ShowQueues()
    {
        StringBuilder text = new();
        foreach (SharedDatapath datapath in SharedDatapath.All(vswitchd, []))
        {
            for (int pmd = 0; pmd < datapath.Datapath.Pmds.Count; pmd++)
            {
                text.Append(CultureInfo.InvariantCulture, $"pmd thread {pmd} of {datapath.Name}:\n");
                foreach (RxQueueName queue in datapath.Datapath.Queues.QueuesOf(pmd))
                {
                    if (datapath.Live.Numbers.Names.TryGetValue(queue.Port, out string? name)) text.Append(CultureInfo.InvariantCulture, $"  port: {name,-16}  queue-id: {queue.Index,2}\n");
                }
            }
        }

        return text.ToString();
    }

    private string ShowMemory()
    {
        int ports = vswitchd.Bridges.Names.Sum(n => vswitchd.Bridges.OfportsOf(n).Count), rules = BridgeCommands.All(vswitchd).Sum(static b => b.Pipeline.Rules.Count());
        int threads = vswitchd.Datapaths.Sum(static d => d.Datapath.Pmds.Count);
        return string.Create(CultureInfo.InvariantCulture, $"handlers:{threads} idl-rows-Open_vSwitch:{vswitchd.RowCount} ports:{ports} rules:{rules}\n");
    }

    private static string Ratio(ulong a, ulong b) => (b == 0 ? 0.0 : (double)a / b).ToString("F2", CultureInfo.InvariantCulture);
}
