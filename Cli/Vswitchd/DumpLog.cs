using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>
/// A log line about every megaflow each time that they are looked through, while the level of <c>dpif</c> asks for it (OVS <c>dpif_flow_dump_next</c>). Where they are named by their ids there is nothing to tell of their keys
/// (<c>upcall/disable-ufid</c>).
/// </summary>
internal sealed class DumpLog
{
    private const string Module = "dpif";

    /// <summary>How often revalidators of Open vSwitch look at all of them.</summary>
    private const int PeriodMs = 500;

    private readonly Vswitchd _vswitchd;
    private readonly Vlog _log;
    private readonly Timer _timer;

    public DumpLog(Vswitchd vswitchd, Vlog log)
    {
        (_vswitchd, _log) = (vswitchd, log);
        _timer = new Timer(_ => Write());
        log.LevelsChanged += Follow;
        Follow();
    }

    /// <summary>Dumps name megaflows by their ids, and say no more of them.</summary>
    public bool IsTerse { get; set; } = true;

    /// <summary>A line for each, now, if somebody asks for them. Any thread.</summary>
    public void Write()
    {
        if (IsTerse || !_log.IsOn(Module, VlogLevel.Dbg)) return;
        _vswitchd.Locked(() =>
        {
            foreach (SharedDatapath datapath in SharedDatapath.All(_vswitchd, [])) Write(datapath);
            return true;
        });
    }

    private void Write(SharedDatapath datapath)
    {
        PortNames ports = datapath.Live.PortNames(byName: false);
        foreach (MegaflowInfo flow in datapath.Datapath.DumpMegaflows(LiveSwitch.NowMs).OrderBy(static f => f.Order))
        {
            (ulong packets, ulong bytes, long? idleMs, ushort flags) = DatapathCommands.OwnCountersOf(flow);
            string line = DpFlowFormatter.FormatFlow(flow.Key, flow.Mask, packets, bytes, idleMs, flags, flow.Actions, ports, verbose: true, layer: "", hasPacketType: !flow.IsGiven, isBare: datapath.Datapath.Recirc.IsBare(flow.Key.RecircId.Host));
            if (MissLog.IsExact(flow.Mask)) line = line.Replace("skb_priority(0/0)", "skb_priority(0)", StringComparison.Ordinal);
            _log.Write(Module, VlogLevel.Dbg, $"{datapath.Name}: flow_dump ufid:{flow.Ufid} {line}");
        }
    }

    private void Follow()
    {
        int periodMs = _log.IsOn(Module, VlogLevel.Dbg) ? PeriodMs : Timeout.Infinite;
        _timer.Change(periodMs, periodMs);
    }
}
