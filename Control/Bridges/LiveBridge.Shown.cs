using System.Globalization;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Runtime;
using Mergeflow.Engine.Text;

namespace Mergeflow.Control.Bridges;

/// <content>How its ports are shown. For the thread that has it made so.</content>
public sealed partial class LiveBridge
{
    /// <summary>Name of a port.</summary>
    public string NameOf(int ofport) => _interfaces[ofport].Port.Name;

    /// <summary>What a port is in the datapath (OVS <c>netdev_get_type</c>).</summary>
    public string ShownTypeOf(int ofport) => _interfaces[ofport] switch
    {
        { Port: DummyPort dummy } => dummy.Type,
        { Config.Type: "internal" } => "tap",
        var other => other.Config.Type,
    };

    /// <summary>What a port says of how it is set, <c>NAME=VALUE</c> (OVS <c>netdev_get_config</c>).</summary>
    public string ShownOptionsOf(int ofport)
    {
        LiveInterface member = _interfaces[ofport];
        IEnumerable<KeyValuePair<string, string>> options = member.Port switch
        {
            DummyPort dummy => OptionsOf(dummy, member.Config),
            TunnelVport { Tunnel: { } tunnel } => TunnelOptions.Shown(tunnel),
            _ => member.Config.Options,
        };
        return string.Join(", ", options.Select(static o => $"{o.Key}={o.Value}"));
    }

    private static IEnumerable<KeyValuePair<string, string>> OptionsOf(DummyPort port, InterfaceConfig config)
    {
        SortedDictionary<string, string> shown = new(StringComparer.Ordinal);
        if (port.ShownIndex is { } index) shown["ifindex"] = index.ToString(CultureInfo.InvariantCulture);
        foreach (string name in (ReadOnlySpan<string>)["pstream", "stream"])
        {
            if (config.Options.TryGetValue(name, out string? value)) shown[name] = value;
        }

        if (port.Type != "dummy-pmd") return shown;
        string queues = port.QueueCount.ToString(CultureInfo.InvariantCulture), sent = port.TxQueueCount.ToString(CultureInfo.InvariantCulture);
        (shown["configured_rx_queues"], shown["requested_rx_queues"], shown["configured_tx_queues"], shown["requested_tx_queues"]) = (queues, queues, sent, sent);
        return shown;
    }
}
