using System.Buffers.Binary;
using System.CommandLine;
using System.Globalization;
using Mergeflow.Cli;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary><c>hit-share</c>: who gets a slot of a finite table, and how far each policy is from the best possible.</summary>
internal static class HitShareCommand
{
    private const long NsPerMs = 1_000_000;

    private static readonly int[] s_capacities = [256, 1024, 4096, 16_384, 65_536];

    public static Command Create(TextWriter output, CancellationToken interrupted)
    {
        NumberOption<int> packets = new("--packets") { HelpName = "N", Description = "Packets per trace.", DefaultValueFactory = _ => 1_000_000 };
        NumberOption<int> flows = new("--flows") { HelpName = "N", Description = "Connections (Zipf), or connections open at a time (heavy-tailed).", DefaultValueFactory = _ => 50_000 };
        NumberOption<int> seed = new("--seed") { HelpName = "S", Description = "Seed of the traces.", DefaultValueFactory = _ => 1 };
        Option<string?> capture = new("--pcap") { HelpName = "FILE", Description = "A capture instead; a connection is a pair of addresses and ports in both directions." };
        Command command = new("hit-share", "Share of packets that a table of 256 to 64k rules takes, per admission and eviction policy, beside the clairvoyant optimum.") { packets, flows, seed, capture };
        command.SetAction(parsed =>
        {
            int n = parsed.GetValue(packets), count = parsed.GetValue(flows);
            if (n is < 1 or > 100_000_000) throw PerfException.Usage("--packets: expected 1 to 100000000");
            if (count is < 1 or > 10_000_000) throw PerfException.Usage("--flows: expected 1 to 10000000");
            if (parsed.GetValue(capture) is string path)
            {
                (int[] flowsOf, long[] timesMs) = OfCapture(path, output);
                if (flowsOf.Length == 0) throw PerfException.BadInput($"{path}: no TCP or UDP packets");
                Show(output, Path.GetFileName(path), flowsOf, timesMs, interrupted);
                return PerfExitCode.Ok;
            }

            Show(output, "Zipf 1.0", ConnectionTrace.Zipf(n, count, 1.0, parsed.GetValue(seed)), [], interrupted);
            Show(output, "heavy-tailed durations", ConnectionTrace.HeavyTailed(n, count, 1.1, parsed.GetValue(seed)), [], interrupted);
            return PerfExitCode.Ok;
        });
        return command;
    }

    private static void Show(TextWriter output, string name, int[] trace, long[] timesMs, CancellationToken interrupted)
    {
        string what = string.Create(CultureInfo.InvariantCulture, $"{name}: {trace.Length:N0} packets, {trace.Distinct().Count():N0} connections");
        Print(output, $"{what}; hit share in %", (capacity, policy) => HitShare.Percent(trace, capacity, policy, timesMs), interrupted);
        Print(output, "cycles saved per packet, rules paid for (two passes, one connection)", (capacity, policy) => HitShare.NetCycles(trace, capacity, policy, timesMs), interrupted);
    }

    private static void Print(TextWriter output, string title, Func<int, string, double> value, CancellationToken interrupted)
    {
        TextTable table = new(1, ["table", .. HitShare.Policies]) { Title = title };
        foreach (int capacity in s_capacities)
        {
            interrupted.ThrowIfCancellationRequested();
            table.AddRow([
                capacity.ToString("N0", CultureInfo.InvariantCulture),
                .. HitShare.Policies.Select(p => value(capacity, p).ToString("0.0;-0.0;0.0", CultureInfo.InvariantCulture)),
            ]);
        }

        table.Write(output);
    }

    private static (int[] Flows, long[] TimesMs) OfCapture(string path, TextWriter output)
    {
        List<int> trace = [];
        List<long> timesMs = [];
        long nowMs = 0;
        Dictionary<string, int> numbers = new(StringComparer.Ordinal);
        using CaptureReader reader = Open(path);
        if (reader.TruncationNote is string note) output.WriteLine($"{note} and are used");
        while (reader.TryRead(out CaptureFrame frame))
        {
            if (ConnectionName(frame.Bytes) is not { } name) continue;
            if (!numbers.TryGetValue(name, out int number)) numbers.Add(name, number = numbers.Count);
            trace.Add(number);
            timesMs.Add(nowMs = Math.Max(nowMs, frame.TimestampNs / NsPerMs));
        }

        return ([.. trace], [.. timesMs]);
    }

    private static CaptureReader Open(string path)
    {
        InputFile.RequireFile(path);
        try
        {
            return CaptureFile.Open(path);
        }
        catch (CaptureFormatException e)
        {
            throw PerfException.BadInput(e.Message);
        }
    }

    /// <summary>Addresses and ports of TCP and UDP, the smaller end first; null for anything else, tags and fragments among it.</summary>
    private static string? ConnectionName(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < 38) return null;
        int version = frame[14] >> 4;
        (int l4, int proto, int addresses, int size) = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) switch
        {
            EthType.Ip when version == 4 && (BinaryPrimitives.ReadUInt16BigEndian(frame[20..]) & 0x3fff) == 0 => (14 + ((frame[14] & 15) * 4), frame[23], 26, 4),
            EthType.Ipv6 when version == 6 => (54, frame[20], 22, 16),
            _ => (0, 0, 0, 0),
        };
        if (proto is not (IpProto.Tcp or IpProto.Udp) || frame.Length < l4 + 4) return null;
        string a = Convert.ToHexString(frame.Slice(addresses, size)) + Convert.ToHexString(frame.Slice(l4, 2));
        string b = Convert.ToHexString(frame.Slice(addresses + size, size)) + Convert.ToHexString(frame.Slice(l4 + 2, 2));
        return string.CompareOrdinal(a, b) <= 0 ? $"{proto}{a}{b}" : $"{proto}{b}{a}";
    }
}
