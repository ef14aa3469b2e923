using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>Log lines about every miss, while the level of <c>dpif_netdev</c> asks for them (OVS <c>dp_netdev_upcall</c>, <c>dp_netdev_flow_add</c>).</summary>
internal sealed class MissLog
{
    private const string Module = "dpif_netdev";

    private readonly Vlog _log;
    private readonly LiveBridgeHost _host;

    public MissLog(Vlog log, LiveBridgeHost host)
    {
        (_log, _host) = (log, host);
        log.LevelsChanged += Follow;
        Follow();
    }

    /// <summary>The megaflow matches one packet alone: its priority too, which here is always 0.</summary>
    internal static bool IsExact(in FlowKey mask) => mask.PktMark.Raw != 0 && mask.DpHash.Raw != 0;

    private void Follow() => _host.ReportMisses(_log.IsOn(Module, VlogLevel.Dbg) ? Write : null);

    private void Write(LiveDatapath datapath, MissReport miss)
    {
        PortNames ports = datapath.PortNames(byName: false);
        string name = datapath.IsDummy ? "ovs-dummy" : "ovs-netdev";
        _log.WriteLines(Module, VlogLevel.Dbg, $"{name}: miss upcall:", DpFlowFormatter.FormatPacket(miss.Key, ports));
        string flow = DpFlowFormatter.FormatKey(miss.Key, miss.Mask, ports);
        _log.Write(Module, VlogLevel.Dbg, $"flow_add: ufid:{MegaflowInfo.UfidOf(miss.Key, miss.Mask)} {(IsExact(miss.Mask) ? "skb_priority(0)," : "")}{flow}, actions:{DpFlowFormatter.FormatActions(miss.Actions, ports)}");
    }
}
