using System.Globalization;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Control.Bridges;

/// <summary>Reads how multicast is snooped (OVS <c>bridge_configure_mcast_snooping</c>).</summary>
public static class MulticastReader
{
    /// <summary>What is wanted; null = it is not snooped.</summary>
    /// <param name="config">The bridge.</param>
    /// <param name="ofports">Numbers of its interfaces; of a bond the lowest stands for it.</param>
    public static MulticastPlan? Read(BridgeConfig config, IReadOnlyDictionary<string, int> ofports)
    {
        if (!config.SnoopsMulticast) return null;
        return new MulticastPlan
        {
            AgingSeconds = Math.Clamp(Number(config, "mcast-snooping-aging-time", MulticastPlan.DefaultAgingSeconds), 15, 3600),
            Capacity = Math.Clamp(Number(config, "mcast-snooping-table-size", MulticastPlan.DefaultCapacity), 10, 1_000_000),
            FloodsUnregistered = config.OtherConfig.GetValueOrDefault("mcast-snooping-disable-flood-unregistered") != "true",
            FloodPorts = Ports("mcast-snooping-flood"),
            ReportPorts = Ports("mcast-snooping-flood-reports"),
        };

        uint[] Ports(string setting) => [.. config.Ports.Where(p => p.OtherConfig.GetValueOrDefault(setting) == "true")
            .Select(p => p.Interfaces.Where(i => ofports.ContainsKey(i.Name)).Select(i => (uint)ofports[i.Name]).DefaultIfEmpty(0u).Min()).Where(static n => n != 0).Order()];
    }

    /// <summary>0 and what is no number stand for the default (OVS <c>smap_get_int</c>).</summary>
    private static int Number(BridgeConfig config, string name, int otherwise)
        => int.TryParse(config.OtherConfig.GetValueOrDefault(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value != 0 ? value : otherwise;
}
