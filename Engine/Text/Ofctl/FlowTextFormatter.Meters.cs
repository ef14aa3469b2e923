using System.Text;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>Meters as <c>ovs-ofctl dump-meters</c> and <c>meter-stats</c> print them.</summary>
public sealed partial class FlowTextFormatter
{
    /// <summary>The meter as <c>dump-meters</c> prints it: a line, then one for each band, without an end of line.</summary>
    public static string FormatWithoutCommand(MeterMod meter)
    {
        var s = new StringBuilder($"meter={meter.MeterId} ");
        if ((meter.Flags & MeterFlags.Kbps) != 0) s.Append("kbps ");
        if ((meter.Flags & MeterFlags.PacketRate) != 0) s.Append("pktps ");
        if ((meter.Flags & MeterFlags.Burst) != 0) s.Append("burst ");
        if ((meter.Flags & MeterFlags.Stats) != 0) s.Append("stats ");
        s.Append("bands=");
        foreach (MeterBand band in meter.Bands)
        {
            s.Append($"\ntype=drop rate={band.Rate}");
            if ((meter.Flags & MeterFlags.Burst) != 0) s.Append($" burst_size={band.BurstSize}");
        }

        return s.ToString();
    }

    /// <summary>The meter's counters as <c>meter-stats</c> prints them, without an end of line.</summary>
    /// <param name="meter">The meter.</param>
    /// <param name="flowCount">See <see cref="OfPipeline.RulesOfMeter"/>.</param>
    /// <param name="taken">What came.</param>
    /// <param name="bands">What each band has dropped.</param>
    /// <param name="nowMs">Time, for the duration.</param>
    public static string FormatStats(OfMeterState meter, int flowCount, BookTotals taken, IReadOnlyList<BookTotals> bands, long nowMs)
    {
        long ageMs = nowMs - meter.CreatedMs;
        string duration = ageMs % 1000 == 0 ? $"{ageMs / 1000}s" : $"{ageMs / 1000}.{ageMs % 1000:000}s";
        var s = new StringBuilder($"meter:{meter.Mod.MeterId} flow_count:{flowCount} packet_in_count:{taken.Packets} byte_in_count:{taken.Bytes} duration:{duration} bands:");
        for (int i = 0; i < bands.Count; i++) s.Append($"\n{i}: packet_count:{bands[i].Packets} byte_count:{bands[i].Bytes}");
        return s.ToString();
    }
}
