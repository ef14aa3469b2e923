using System.Globalization;
using System.Text;
using Mergeflow.Control.OpenFlow;
using Mergeflow.Engine.Ports;

namespace Mergeflow.Control.Bridges;

/// <summary>Questions of <c>ovs-appctl</c> about queues of ports: <c>qos/show</c>, <c>qos/show-types</c> (OVS <c>vswitchd/bridge.c</c>).</summary>
/// <param name="vswitchd">Whose turn it is asked in.</param>
public sealed class QosCommands(Vswitchd vswitchd)
{
    private const string Htb = "linux-htb";

    /// <summary>Adds them.</summary>
    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("qos/show", "interface", 1, 1, words => vswitchd.Locked(() => Show(words[0])));
        commands.Add("qos/show-types", "interface", 1, 1, words => vswitchd.Locked(() => Find(words[0]).Device is null ? $"No QoS types supported for interface: {words[0]}\n" : $"QoS type: {Htb}\nQoS type: linux-noop\n"));
    }

    private string Show(string name)
    {
        (PortConfig config, NetDevicePort? device) = Find(name);
        if (config.Qos is not { Type: Htb } qos || device?.QueuesSinceMs is null) return $"QoS not configured on {name}\n";
        StringBuilder text = new($"QoS: {name} {Htb}\n");
        foreach ((string key, string value) in qos.OtherConfig) text.Append(CultureInfo.InvariantCulture, $"{key}: {value}\n");
        foreach (OfQueueStats queue in DeviceQueues.Of([device]).OrderBy(static q => q.Queue))
        {
            text.Append(queue.Queue == 0 ? "\nDefault:\n" : string.Create(CultureInfo.InvariantCulture, $"\nQueue {queue.Queue}:\n"));
            if (qos.Queues.TryGetValue(queue.Queue, out IReadOnlyDictionary<string, string>? settings))
            {
                foreach ((string key, string value) in settings) text.Append(CultureInfo.InvariantCulture, $"  {key}: {value}\n");
            }

            text.Append(CultureInfo.InvariantCulture, $"  tx_packets: {queue.TxPackets}\n  tx_bytes: {queue.TxBytes}\n  tx_errors: {queue.TxErrors}\n");
        }

        return text.ToString();
    }

    /// <summary>What is wanted of an interface's port, and its device, if it has one.</summary>
    private (PortConfig Config, NetDevicePort? Device) Find(string name)
    {
        foreach (BridgeConfig bridge in vswitchd.Config?.Bridges ?? [])
        {
            if (vswitchd.Bridges.Find(bridge.Name) is not LiveBridge live || !vswitchd.Bridges.OfportsOf(bridge.Name).ContainsKey(name)) continue;
            if (bridge.Ports.FirstOrDefault(p => p.Interfaces.Any(i => i.Name == name)) is { } port) return (port, live.Devices.FirstOrDefault(d => d.Name == name));
        }

        throw new UnixctlException("no such interface");
    }
}
