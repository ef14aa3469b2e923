using System.Globalization;
using Mergeflow.Cli;
using Spectre.Console;

namespace Mergeflow.Perf;

/// <summary>The closing table on the terminal, and what stands under it.</summary>
public static class ResultsTable
{
    private const double Mega = 1e6;

    private static readonly (string Header, Func<ScenarioResult, string> Cell)[] s_names =
    [
        ("scenario", r => r.CacheOn || r.Name.Contains(ScenarioName.CacheOff, StringComparison.Ordinal) ? r.Name : r.Name + " (cache off)"),
        ("offload", r => r.Offload),
    ];

    private static readonly (string Header, Func<ScenarioResult, string> Cell)[] s_speed =
    [
        ("Mpps", r => Short(r.PacketsPerSecond.Median / Mega)),
        ("ns/packet", r => Short(r.NsPerPacket.Median)),
        ("cycles/packet", r => Short(r.CyclesPerPacket.Median)),
        ("min..max", r => $"{Short(r.CyclesPerPacket.Min)}..{Short(r.CyclesPerPacket.Max)}"),
    ];

    private static readonly (string Header, Func<ScenarioResult, string> Cell)[] s_peer =
    [
        ("peer", r => r.Peer is { } p ? Short(p.CyclesPerPacket.Median) : "-"),
        ("min..max", r => r.Peer is { } p ? $"{Short(p.CyclesPerPacket.Min)}..{Short(p.CyclesPerPacket.Max)}" : "-"),
        ("of it rx", r => r.Peer?.ReceiveCyclesPerPacket is double rx ? Short(rx) : "-"),
        ("times", r => r.Peer is { } p ? (p.CyclesPerPacket.Median / r.CyclesPerPacket.Median).ToString("F1", CultureInfo.InvariantCulture) : "-"),
    ];

    private static readonly (string Header, Func<ScenarioResult, string> Cell)[] s_where =
    [
        ("NIC %", r => Percent(r.Tiers.Nic)),
        ("merged %", r => Percent(r.Tiers.Merged)),
        ("EMC %", r => Percent(r.Tiers.Emc)),
        ("megaflow %", r => Percent(r.Tiers.Megaflow)),
        ("upcall %", r => Percent(r.Tiers.Upcall)),
        ("alloc B", r => r.AllocatedBytes.ToString(CultureInfo.InvariantCulture)),
        ("GC", r => r.Collections.ToString(CultureInfo.InvariantCulture)),
        ("tx/rx", r => r.TxPerRx.ToString("F3", CultureInfo.InvariantCulture)),
    ];

    /// <summary>Prints rows, reasons and the machine.</summary>
    public static void Print(IAnsiConsole console, ResultsFile results)
    {
        Write(console, results, [.. s_names, .. OnePass(results), .. Speed(results), .. Peer(results), .. s_where]);
        Reasons(console, results);
        Machine(console, results);
    }

    /// <summary>A number with as many digits as it needs to be told from its neighbours.</summary>
    public static string Short(double value) => value switch
    {
        0 => "0",
        < 10 => value.ToString("F2", CultureInfo.InvariantCulture),
        < 1000 => value.ToString("F1", CultureInfo.InvariantCulture),
        _ => value.ToString("N0", CultureInfo.InvariantCulture),
    };

    /// <summary>A share in percent; what is not quite nothing does not show as nothing.</summary>
    public static string Percent(double percent) => percent switch
    {
        0 => "-",
        < 0.05 => "<0.1",
        > 99.95 and < 100 => ">99.9",
        _ => percent.ToString("F1", CultureInfo.InvariantCulture),
    };

    /// <summary>What the figures were measured on, one line each.</summary>
    public static IEnumerable<(string Name, string Value)> MachineLines(ResultsFile results)
    {
        HostInfo h = results.Host;
        RuntimeInfo r = results.Runtime;
        yield return ("cpu", $"{h.CpuModel} ({h.CpuIdentity}), {h.Cpus.Count} usable, TSC {(h.TscHz / 1e9).ToString("F3", CultureInfo.InvariantCulture)} GHz{(h.IsVirtual ? ", virtual machine" : "")}, load {h.LoadAverage.ToString("F1", CultureInfo.InvariantCulture)}");
        yield return ("runtime", $"{r.Framework}, TieredCompilation {OnOff(r.TieredCompilation)}, TieredPGO {OnOff(r.TieredPgo)}, vectors {r.VectorBits} bit, GC {(r.ServerGc ? "server" : "workstation")}{(r.ConcurrentGc ? " concurrent" : "")}{(r.Optimized ? "" : ", NOT OPTIMIZED (Debug build)")}");
        if (r.Overrides.Count > 0) yield return ("override", string.Join(' ', r.Overrides));
        yield return ("memory", $"huge pages {string.Join(", ", results.Scenarios.Select(s => s.HugePages).Distinct())} (reserved {h.HugePagesReserved}, transparent: {h.TransparentHugePages})");
        foreach (string made in results.Scenarios.Select(s => s.Datapath?.ToString()).OfType<string>().Distinct()) yield return ("switch", made);
        if (results.Seed is ulong seed) yield return ("seed", seed.ToString(CultureInfo.InvariantCulture));
        yield return ("system", $"{h.OperatingSystem}, {h.Kernel}");
    }

    private static IEnumerable<(string Header, Func<ScenarioResult, string> Cell)> Peer(ResultsFile results)
        => results.Scenarios.Any(r => r.Peer is not null) ? s_peer : [];

    /// <summary>Share that a capture's one pass offloads: the loop, which reopens connections, has another.</summary>
    private static IEnumerable<(string Header, Func<ScenarioResult, string> Cell)> OnePass(ResultsFile results)
        => results.Scenarios.Any(static r => r.FirstPass is not null)
            ? [("one pass %", static r => r.FirstPass is { Count: > 0 } f ? ShareTable.Percent([.. f.Select(static p => p.Packets)])[0] : "-")]
            : [];

    private static IEnumerable<(string Header, Func<ScenarioResult, string> Cell)> Speed(ResultsFile results)
        => results.Scenarios.Any(r => r.DeviceCyclesPerPacket is not null)
            ? [.. s_speed, ("of it device", r => r.DeviceCyclesPerPacket is double d ? Short(d) : "-")]
            : s_speed;

    private static void Write(IAnsiConsole console, ResultsFile results, (string Header, Func<ScenarioResult, string> Cell)[] columns)
    {
        TextTable table = new(s_names.Length, [.. columns.Select(static c => c.Header)]);
        foreach (ScenarioResult row in results.Scenarios) table.AddRow([.. columns.Select(c => c.Cell(row))]);
        table.Write(console);
    }

    private static void Reasons(IAnsiConsole console, ResultsFile results)
    {
        ScenarioResult[] rows = [.. results.Scenarios.Where(s => s.Reasons.Count > 0 && s.FirstPass is null)];
        if (rows.Length == 0) return;
        TextTable table = new(3, "scenario", "offload", "reason", "packets", "bytes") { Title = "why not offloaded, in the measured runs" };
        foreach (ScenarioResult row in rows)
        {
            foreach (ReasonCount reason in row.Reasons)
                table.AddRow(row.Name, row.Offload, reason.Reason, reason.Packets.ToString("N0", CultureInfo.InvariantCulture), reason.Bytes.ToString("N0", CultureInfo.InvariantCulture));
        }

        table.Write(console);
    }

    private static void Machine(IAnsiConsole console, ResultsFile results)
    {
        foreach ((string name, string value) in MachineLines(results)) console.Profile.Out.Writer.WriteLine($"{name,-9}{value}");
        foreach (string note in results.Notes) console.Profile.Out.Writer.WriteLine($"note     {note}");
    }

    private static string OnOff(bool on) => on ? "on" : "off";
}
