using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Mergeflow.Control;

namespace Mergeflow.Cli;

/// <summary><c>ports</c>: what a running switch is made of, in the manner of <c>ovs-appctl dpctl/show -s</c>; every lost frame stands with its port and cause.</summary>
internal static class PortsCommand
{
    public static Command Create()
    {
        Option<bool> statistics = new("--statistics", "-s") { Description = "With packets, bytes and drops by cause." };
        Option<bool> json = new("--json") { Description = "One JSON object per line, for programs." };
        return LiveCommand.Create("ports", "Print the ports of a running switch.", (inside, parsed) => Show(inside, parsed.GetValue(statistics), parsed.GetValue(json)), [statistics, json]);
    }

    private static int Show(LiveInvocation inside, bool withStatistics, bool isJson)
    {
        IReadOnlyList<WatchedPort> ports = inside.Switch.Watch!.Ports;
        if (!isJson) WriteHead(inside);
        foreach (WatchedPort port in ports)
        {
            PortStatistics? s = port.Port?.Statistics();
            if (isJson)
            {
                ShowContext.WriteJson(inside.Output, json => WriteMembers(json, port, s));
                continue;
            }

            inside.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  port {port.Number}: {port.Name} ({port.Type}{Way(port)}): {State(port)}"));
            if (port.Port?.InsteadOf is { } others) inside.Output.WriteLine($"    not {others}");
            if (s is null || !withStatistics) continue;
            inside.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    RX packets:{s.RxPackets} bytes:{s.RxBytes} dropped:{s.RxDropped}{Causes(s, PortDrop.RxRunt, PortDrop.RxKernel)}{Kernel(s.ByKernel.RxPackets)}"));
            inside.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    TX packets:{s.TxPackets} bytes:{s.TxBytes} dropped:{s.TxDropped}{Causes(s, PortDrop.TxTooLong, PortDrop.TxRefused)}{Kernel(s.ByKernel.TxPackets)}"));
            if (s.InKernel.Count > 0) inside.Output.WriteLine($"    lost in the kernel:{InKernel(s, isReceived: true)}{InKernel(s, isReceived: false)}");
        }

        return ExitCode.Ok;
    }

    private static void WriteHead(LiveInvocation inside)
    {
        Datapath datapath = inside.Switch.Datapath;
        PmdStats stats = datapath.Stats;
        inside.Output.WriteLine("mergeflow:");
        inside.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  lookups: hit:{stats.EmcHits + stats.MegaflowHits + stats.MergedHits} missed:{stats.Upcalls} lost:{stats.Dropped}"));
        inside.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  flows: {datapath.MegaflowCount}"));
        if (inside.Switch.Live.Ports.KernelDropsRefusal is { } refusal) inside.Output.WriteLine($"  what the kernel loses is not counted: {refusal}");
        if (datapath.Offload is { } offload) inside.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  merged rules: {offload.RuleCount}"));
    }

    private static string Way(WatchedPort port) => port.Port?.Datapath is { Length: > 0 } way ? $", {way}" : "";

    private static string State(WatchedPort port) => port.Port is not { } live
        ? "no device"
        : string.Create(CultureInfo.InvariantCulture, $"{(port.Carries ? "up" : port.IsUp ? "link down" : "down, as ordered")}, mtu {live.MtuBytes}, {live.QueueCount} queue{(live.QueueCount == 1 ? "" : "s")}");

    /// <summary>Packets that never came to the switch's process.</summary>
    private static string Kernel(ulong packets) => packets == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" in the kernel:{packets}");

    /// <summary>By the kernel's own reasons.</summary>
    private static string InKernel(PortStatistics s, bool isReceived)
    {
        string reasons = string.Concat(s.InKernel.Where(d => d.IsReceived == isReceived).Select(static d => string.Create(CultureInfo.InvariantCulture, $" {d.Reason}:{d.Count}")));
        return reasons.Length == 0 ? "" : $" {(isReceived ? "rx" : "tx")}{reasons}";
    }

    private static string Causes(PortStatistics s, PortDrop first, PortDrop last)
    {
        string[] causes = [.. Enum.GetValues<PortDrop>().Where(c => c >= first && c <= last && s[c] > 0).Select(c => string.Create(CultureInfo.InvariantCulture, $"{c}:{s[c]}"))];
        return causes.Length == 0 ? "" : $" ({string.Join(' ', causes)})";
    }

    private static void WriteMembers(Utf8JsonWriter json, WatchedPort port, PortStatistics? s)
    {
        json.WriteNumber("port", port.Number);
        json.WriteString("name", port.Name);
        json.WriteString("type", port.Type);
        if (port.Port?.Datapath is { Length: > 0 } way) json.WriteString("datapath", way);
        if (port.Port?.InsteadOf is { } others) json.WriteString("instead_of", others);
        json.WriteString("state", port.Port is null ? "gone" : port.Carries ? "up" : "down");
        if (s is null) return;
        json.WriteNumber("rx_packets", s.RxPackets);
        json.WriteNumber("rx_bytes", s.RxBytes);
        json.WriteNumber("tx_packets", s.TxPackets);
        json.WriteNumber("tx_bytes", s.TxBytes);
        json.WriteStartObject("drops");
        foreach (PortDrop cause in Enum.GetValues<PortDrop>().Where(c => s[c] > 0)) json.WriteNumber(cause.ToString(), s[cause]);
        json.WriteEndObject();
        json.WriteStartArray("kernel_drops");
        foreach (KernelDrop drop in s.InKernel)
        {
            json.WriteStartObject();
            json.WriteString("direction", drop.IsReceived ? "rx" : "tx");
            json.WriteString("reason", drop.Reason);
            json.WriteNumber("packets", drop.Count);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
