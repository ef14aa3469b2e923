using System.Globalization;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Runtime;
using Mergeflow.Native;

namespace Mergeflow.Control.Bridges;

/// <summary>Quality of service that is wanted of a port.</summary>
/// <param name="Type"><c>linux-htb</c>, <c>linux-noop</c>, ...</param>
/// <param name="OtherConfig">Depends on the type; rates are in bits/s.</param>
/// <param name="Queues">By number.</param>
public sealed record QosConfig(string Type, IReadOnlyDictionary<string, string> OtherConfig, IReadOnlyDictionary<long, IReadOnlyDictionary<string, string>> Queues)
{
    /// <summary>What packets of queues are marked with.</summary>
    public EquatableList<QueueDscp> Dscps { get; init; } = EquatableList<QueueDscp>.Empty;

    /// <summary>All of it that the kernel has to know, as one text.</summary>
    public string Text => $"{Type} {Words(OtherConfig)} {string.Join(';', Queues.OrderBy(static q => q.Key).Select(static q => $"{q.Key} {Words(q.Value)}"))}";

    private static string Words(IReadOnlyDictionary<string, string> map) => string.Join(',', map.OrderBy(static p => p.Key, StringComparer.Ordinal).Select(static p => $"{p.Key}={p.Value}"));
}

/// <summary>Sets up the kernel's queues of devices as the database wants them (OVS <c>iface_configure_qos</c>, <c>lib/netdev-linux.c</c>). Packet sockets say with each packet of <c>set_queue</c> which one is meant.</summary>
internal sealed class PortQos
{
    private const ulong DefaultRate = 10_000_000_000 / 8;
    private const int MaxQueue = 0xf000;

    private readonly Dictionary<string, string> _applied = new(StringComparer.Ordinal);

    /// <summary>Makes a device so; nothing happens if it is so already.</summary>
    /// <returns>Lines about what cannot be done.</returns>
    public IEnumerable<string> Configure(string name, LivePort port, QosConfig? wanted)
    {
        string text = wanted?.Text ?? "";
        if (_applied.GetValueOrDefault(name, "") == text) return [];
        _applied[name] = text;
        if (wanted is not null && wanted.Type is not ("linux-htb" or "linux-noop" or "")) return [$"{name}: QoS type {wanted.Type} is not supported, ignoring"];
        if (port is not NetDevicePort device) return wanted is { Type: "linux-htb" } ? [$"{name}: a {(port is PatchVport ? "patch" : "virtual")} port has no queues, ignoring QoS type linux-htb"] : [];
        return wanted is { Type: "linux-htb" } ? SetHtb(name, device, wanted) : Clear(device, wanted);
    }

    /// <summary>A port has gone.</summary>
    public void Forget(string name) => _applied.Remove(name);

    private static string[] Clear(NetDevicePort device, QosConfig? wanted)
    {
        if (wanted is not { Type: "linux-noop" }) TrafficControl.Clear(device.IfIndex);
        device.QueuesSinceMs = null;
        return [];
    }

    private static List<string> SetHtb(string name, NetDevicePort device, QosConfig wanted)
    {
        List<string> lines = [];
        int mtu = device.MtuBytes;
        ulong most = Rate(wanted.OtherConfig, "max-rate") is > 0 and var asked ? asked : DefaultRate;
        if (TrafficControl.SetHtb(device.IfIndex, most, mtu) is not 0 and var errno)
        {
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: QoS type linux-htb cannot be set up (errno {errno})"));
            return lines;
        }

        device.QueuesSinceMs = ProcessClock.NowMs;
        IReadOnlyDictionary<string, string> none = new SortedDictionary<string, string>();
        Dictionary<long, IReadOnlyDictionary<string, string>> queues = new(wanted.Queues);
        queues.TryAdd(0, none);
        foreach ((long queue, IReadOnlyDictionary<string, string> settings) in queues.Where(static q => q.Key is >= 0 and < MaxQueue))
        {
            ulong least = Math.Min(Math.Max(Rate(settings, "min-rate"), (ulong)mtu), most);
            ulong ceiling = Math.Min(Math.Max(Rate(settings, "max-rate") is > 0 and var own ? own : most, least), most);
            ulong burst = Math.Max(Rate(settings, "burst"), (ulong)mtu + 64);
            int failed = TrafficControl.SetHtbQueue(device.IfIndex, (uint)queue, least, ceiling, burst, Priority(settings), mtu);
            if (failed != 0) lines.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: queue {queue} cannot be set up (errno {failed})"));
        }

        return lines;
    }

    private static uint Priority(IReadOnlyDictionary<string, string> settings) => uint.TryParse(settings.GetValueOrDefault("priority"), NumberStyles.None, CultureInfo.InvariantCulture, out uint priority) ? priority : 0;

    /// <summary>A number of bits as bytes.</summary>
    private static ulong Rate(IReadOnlyDictionary<string, string> settings, string key) => ulong.TryParse(settings.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out ulong bits) ? bits / 8 : 0;
}
