using System.Text.Json;
using Mergeflow.Control;
using Mergeflow.Nic;

namespace Mergeflow.Cli;

/// <summary>What a running switch has counted so far, as it goes to who watches it.</summary>
/// <param name="TimeMs">When.</param>
/// <param name="Total">All packet threads together.</param>
/// <param name="Threads">Each of them: received, merged, sent.</param>
/// <param name="Ports">Ports by their lines of state.</param>
/// <param name="Gauges">What there is now: rules, megaflows, connections, memory of the process.</param>
/// <param name="Reasons">Packets that no merged rule took, by reason.</param>
internal sealed record LiveSnapshot(
    long TimeMs,
    IReadOnlyDictionary<string, long> Total,
    IReadOnlyList<IReadOnlyDictionary<string, long>> Threads,
    IReadOnlyList<(string Name, string State, IReadOnlyDictionary<string, long> Counts)> Ports,
    IReadOnlyDictionary<string, long> Gauges,
    IReadOnlyDictionary<string, long> Reasons)
{
    /// <summary>In front of a cause, among the counts of a port.</summary>
    public const string Lost = "lost: ";

    /// <summary>Writes that of a switch.</summary>
    public static void Write(Utf8JsonWriter json, RunningSwitch running)
    {
        Datapath datapath = running.Datapath;
        json.WriteNumber("t", running.NowMs);
        json.WriteStartObject("total");
        WriteStats(json, datapath.Stats, datapath.Kernel?.Total() ?? default);
        json.WriteEndObject();
        json.WriteStartArray("threads");
        foreach (PmdContext pmd in datapath.Pmds)
        {
            json.WriteStartObject();
            WriteStats(json, pmd.Thread.Stats, default);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("ports");
        foreach (WatchedPort port in running.Watch!.Ports) WritePort(json, port);
        json.WriteEndArray();
        json.WriteStartObject("gauges");
        json.WriteNumber("megaflows", datapath.MegaflowCount);
        json.WriteNumber("connections", datapath.Conntrack.Count);
        json.WriteNumber("rules", datapath.Offload?.RuleCount ?? 0);
        json.WriteNumber("rules_installed", (long)(datapath.Offload?.Stats.Installed ?? 0));
        json.WriteNumber("rules_removed", (long)(datapath.Offload?.Stats.Removed ?? 0));
        ProcessMemory memory = ProcessMemory.Now();
        json.WriteNumber("resident_bytes", memory.ResidentBytes);
        json.WriteNumber("heap_bytes", memory.HeapBytes);
        json.WriteNumber("descriptors", memory.Descriptors);
        json.WriteEndObject();
        json.WriteStartObject("reasons");
        foreach ((OffloadReason reason, ulong packets, _) in datapath.Offload?.Report.RefusedTotals().Sorted() ?? []) json.WriteNumber(reason.ToString(), packets);
        json.WriteEndObject();
    }

    /// <summary>Reads one.</summary>
    /// <exception cref="IOException">It is none.</exception>
    public static LiveSnapshot Read(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement root = document.RootElement;
            return new LiveSnapshot(
                root.GetProperty("t").GetInt64(),
                Numbers(root.GetProperty("total")),
                [.. root.GetProperty("threads").EnumerateArray().Select(Numbers)],
                [.. root.GetProperty("ports").EnumerateArray().Select(static p => (p.GetProperty("name").GetString()!, p.GetProperty("state").GetString()!, Numbers(p.GetProperty("counts"))))],
                Numbers(root.GetProperty("gauges")),
                Numbers(root.GetProperty("reasons")));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new IOException("the switch has answered something else than was asked: its version is another one", e);
        }
    }

    /// <summary>What threads have counted, and what the kernel has forwarded by merged rules.</summary>
    private static void WriteStats(Utf8JsonWriter json, PmdStats s, KernelPortTotals kernel)
    {
        json.WriteNumber("rx", s.Rx + kernel.RxPackets);
        json.WriteNumber("rx_bytes", s.RxBytes + kernel.RxBytes);
        json.WriteNumber("tx", s.Tx + kernel.TxPackets);
        json.WriteNumber("merged", s.MergedHits + kernel.RxPackets);
        json.WriteNumber("passes", s.Passes);
        json.WriteNumber("emc", s.EmcHits);
        json.WriteNumber("megaflow", s.MegaflowHits);
        json.WriteNumber("upcalls", s.Upcalls);
        json.WriteNumber("dropped", s.Dropped);
    }

    private static void WritePort(Utf8JsonWriter json, WatchedPort port)
    {
        PortStatistics? s = port.Port?.Statistics();
        json.WriteStartObject();
        json.WriteString("name", port.Name);
        json.WriteString("state", port.Port is null ? "gone" : port.Carries ? "up" : "down");
        json.WriteStartObject("counts");
        json.WriteNumber("rx", s?.RxPackets ?? 0);
        json.WriteNumber("rx_bytes", s?.RxBytes ?? 0);
        json.WriteNumber("rx_drops", s is null ? 0 : s.RxDropped + s.RxLostInKernel);
        json.WriteNumber("tx", s?.TxPackets ?? 0);
        json.WriteNumber("tx_bytes", s?.TxBytes ?? 0);
        json.WriteNumber("tx_drops", s is null ? 0 : s.TxDropped + s.TxLostInKernel);
        foreach (PortDrop cause in Enum.GetValues<PortDrop>().Where(c => s?[c] > 0)) json.WriteNumber($"{Lost}{cause}", s![cause]);
        foreach (KernelDrop drop in s?.InKernel ?? []) json.WriteNumber($"{Lost}{(drop.IsReceived ? "rx" : "tx")} in the kernel, {drop.Reason}", drop.Count);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static Dictionary<string, long> Numbers(JsonElement members) => members.EnumerateObject().ToDictionary(static m => m.Name, static m => m.Value.GetInt64());
}
