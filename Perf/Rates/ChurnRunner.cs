using System.Buffers.Binary;
using System.Globalization;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>
/// Adds and deletes rules at a rate while traffic runs. Each change is carried out as <c>ovs-ofctl</c> has it: when it returns, no megaflow and no
/// merged rule contradicts the tables.
/// </summary>
/// <param name="FlowModsPerSecond">Changes per second; 0 = none.</param>
/// <param name="HitsTraffic">The rules drop source addresses of the traffic, one at a time; else addresses that do not occur.</param>
/// <param name="Seconds">How long.</param>
/// <param name="WindowMs">Length of a window, ms.</param>
public sealed record ChurnRunner(int FlowModsPerSecond, bool HitsTraffic, double Seconds, double WindowMs)
{
    private const int RuleCount = 256;
    private const int Ipv4SourceOffset = 26;

    /// <summary>Runs on a loop that is warm.</summary>
    public ChurnResult Run(PacketLoop loop, Workload workload)
    {
        IReadOnlyList<FlowMod>[] mods = Mods(workload);
        var took = new List<double>((int)(FlowModsPerSecond * Seconds) + 1);
        var points = new List<ChurnPoint>((int)(Seconds * 1000 / WindowMs) + 2);
        ulong deleted = loop.Datapath.Revalidator.Stats.Changed;
        long start = MonotonicClock.NowNs;
        void Due()
        {
            while (took.Count < (MonotonicClock.NowNs - start) / 1e9 * FlowModsPerSecond)
            {
                long from = MonotonicClock.NowNs;
                loop.Apply(mods[took.Count % mods.Length]);
                took.Add((MonotonicClock.NowNs - from) / 1e3);

                // Behind for good: the traffic must have its turn too.
                if (took[^1] * FlowModsPerSecond > 5e5) break;
            }
        }

        loop.BetweenPolls = FlowModsPerSecond > 0 ? Due : null;
        for (double ms = 0; ms < Seconds * 1000;)
        {
            BenchRun run = loop.Measure(WindowMs / 1000);
            ms += run.Seconds * 1000;
            points.Add(new ChurnPoint(ms, run.PacketsPerSecond, run.Packets == 0 ? 0 : 100.0 * (run.NicHits + run.Stats.MergedHits) / run.Packets, took.Count));
        }

        loop.BetweenPolls = null;
        double seconds = points[^1].Ms / 1000;
        return new ChurnResult(
            FlowModsPerSecond,
            HitsTraffic ? "same" : "other",
            took.Count / seconds,
            took.Count == 0 ? 0 : Spread.Of(took).Median,
            took.Count == 0 ? 0 : took.Max(),
            Spread.Of(points.Select(p => p.PacketsPerSecond)),
            Spread.Of(points.Select(p => p.OffloadedPercent)),
            loop.Datapath.Revalidator.Stats.Changed - deleted,
            points);
    }

    /// <summary>Add, delete, add, delete: at most one of the rules exists at a time. Parsed before anything is measured.</summary>
    private IReadOnlyList<FlowMod>[] Mods(Workload workload)
    {
        var parser = new FlowTextParser();
        var mods = new List<IReadOnlyList<FlowMod>>(2 * RuleCount);
        for (int i = 0; i < RuleCount; i++)
        {
            string match = string.Create(CultureInfo.InvariantCulture, $"table=0,priority=60000,ip,nw_src={Address(workload, i)}");
            mods.Add(parser.ParseFlows($"{match},actions=drop"));
            mods.Add(parser.ParseFlows(match, FlowModCommand.DeleteStrict));
        }

        return [.. mods];
    }

    private string Address(Workload workload, int i)
    {
        if (!HitsTraffic) return string.Create(CultureInfo.InvariantCulture, $"203.0.113.{i}");
        byte[] frame = workload.Frames[(int)((long)i * workload.Frames.Count / RuleCount)];
        uint address = frame.Length >= 34 ? BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(Ipv4SourceOffset)) : 0;
        return string.Create(CultureInfo.InvariantCulture, $"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}");
    }
}
