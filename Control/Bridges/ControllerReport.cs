using Mergeflow.Control.OpenFlow;

namespace Mergeflow.Control.Bridges;

/// <summary>Columns of <c>Controller</c> that say what became of it (OVS <c>refresh_controller_status</c>). For one thread.</summary>
internal sealed class ControllerReport
{
    /// <summary>As it was told last: seconds alone are told only with statistics.</summary>
    private readonly Dictionary<string, OfControllerStatus> _told = new(StringComparer.Ordinal);

    /// <summary>All controllers of a bridge; those that the switch waits for have no status.</summary>
    public void Write(Writeback into, BridgeConfig config, IHostedBridge bridge, bool withStatistics)
    {
        Dictionary<string, OfControllerStatus> now = bridge.ControllerStatus().ToDictionary(static s => s.Target, StringComparer.Ordinal);
        foreach (ControllerConfig controller in config.Controllers)
        {
            OfControllerStatus? status = now.GetValueOrDefault(controller.Target), told = _told.GetValueOrDefault(controller.Target);
            if (status is not null && (withStatistics || told is null || !IsLike(status, told))) _told[controller.Target] = told = status;
            if (status is null) told = null;
            into.Set(VswitchTables.Controller, controller.Id, "is_connected", told is { IsConnected: true });
            into.Set(VswitchTables.Controller, controller.Id, "role", told?.Role);
            into.Set(VswitchTables.Controller, controller.Id, "status", told?.Pairs ?? new SortedDictionary<string, string>());
        }
    }

    private static bool IsLike(OfControllerStatus a, OfControllerStatus b)
        => (a.IsConnected, a.Role, a.Pairs["state"], a.Pairs.GetValueOrDefault("last_error")) == (b.IsConnected, b.Role, b.Pairs["state"], b.Pairs.GetValueOrDefault("last_error"));
}
