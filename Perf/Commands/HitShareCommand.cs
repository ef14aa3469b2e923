using System.CommandLine;
using System.Globalization;
using Mergeflow.Native;
using Spectre.Console;

namespace Mergeflow.Perf;

/// <summary><c>hit-share</c>: who gets a slot of a finite table, and how far each policy is from the best possible.</summary>
internal static class HitShareCommand
{
    private static readonly int[] s_capacities = [256, 1024, 4096, 16_384, 65_536];

    public static Command Create(TextWriter output, CancellationToken interrupted)
    {
        Option<int> packets = new("--packets") { HelpName = "N", Description = "Packets per trace.", DefaultValueFactory = _ => 1_000_000 };
        Option<int> flows = new("--flows") { HelpName = "N", Description = "Connections (Zipf), or connections open at a time (heavy-tailed).", DefaultValueFactory = _ => 50_000 };
        Option<int> seed = new("--seed") { HelpName = "S", Description = "Seed of the traces.", DefaultValueFactory = _ => 1 };
        Option<string?> capture = new("--pcap") { HelpName = "FILE", Description = "A capture instead; a connection is a pair of addresses and ports in both directions." };
        Command command = new("hit-share", "Share of packets that a table of 256 to 64k rules takes, per admission and eviction policy, beside the clairvoyant optimum.") { packets, flows, seed, capture };
        command.SetAction(parsed =>
        {
            int n = parsed.GetValue(packets), count = parsed.GetValue(flows);
            if (n is < 1 or > 100_000_000) throw PerfException.Usage("--packets: expected 1 to 100000000");
            if (count is < 1 or > 10_000_000) throw PerfException.Usage("--flows: expected 1 to 10000000");
            if (parsed.GetValue(capture) is string path)
            {
                Show(output, Path.GetFileName(path), OfCapture(path), interrupted);
                return PerfExitCode.Ok;
            }

            Show(output, "Zipf 1.0", ConnectionTrace.Zipf(n, count, 1.0, parsed.GetValue(seed)), interrupted);
            Show(output, "heavy-tailed durations", ConnectionTrace.HeavyTailed(n, count, 1.1, parsed.GetValue(seed)), interrupted);
            return PerfExitCode.Ok;
        });
        return command;
    }

    private static void Show(TextWriter output, string name, int[] trace, CancellationToken interrupted)
    {
        Table table = new Table().Border(TableBorder.Ascii).Title(Markup.Escape(string.Create(
            CultureInfo.InvariantCulture, $"{name}: {trace.Length:N0} packets, {trace.Distinct().Count():N0} connections; hit share in %")));
        table.AddColumn(new TableColumn("table").RightAligned());
        foreach (string policy in HitShare.Policies) table.AddColumn(new TableColumn(policy).RightAligned().NoWrap());
        foreach (int capacity in s_capacities)
        {
            interrupted.ThrowIfCancellationRequested();
            table.AddRow([
                capacity.ToString("N0", CultureInfo.InvariantCulture),
                .. HitShare.Policies.Select(p => HitShare.Percent(trace, capacity, p).ToString("F1", CultureInfo.InvariantCulture)),
            ]);
        }

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No });
        console.Profile.Width = 120;
        console.Write(table);
    }

    private static int[] OfCapture(string path)
    {
        List<int> trace = [];
        Dictionary<string, int> numbers = new(StringComparer.Ordinal);
        using CaptureReader reader = Open(path);
        while (reader.TryRead(out CaptureFrame frame))
        {
            if (ConnectionName(frame.Bytes) is not { } name) continue;
            if (!numbers.TryGetValue(name, out int number)) numbers.Add(name, number = numbers.Count);
            trace.Add(number);
        }

        return [.. trace];
    }

    private static CaptureReader Open(string path)
    {
        try
        {
            return CaptureFile.Open(path);
        }
        catch (CaptureFormatException e)
        {
            throw PerfException.BadInput(e.Message);
        }
    }

    /// <summary>IPv4 addresses and ports, the smaller end first; null for anything else.</summary>
    private static string? ConnectionName(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < 38 || frame[12] != 8 || frame[13] != 0 || (frame[14] >> 4) != 4) return null;
        int l4 = 14 + ((frame[14] & 15) * 4);
        if (frame.Length < l4 + 4 || frame[23] is not (6 or 17)) return null;
        string a = Convert.ToHexString(frame.Slice(26, 4)) + Convert.ToHexString(frame.Slice(l4, 2));
        string b = Convert.ToHexString(frame.Slice(30, 4)) + Convert.ToHexString(frame.Slice(l4 + 2, 2));
        return string.CompareOrdinal(a, b) <= 0 ? $"{frame[23]}{a}{b}" : $"{frame[23]}{b}{a}";
    }
}
