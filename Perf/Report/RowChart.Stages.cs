using System.Globalization;

namespace Mergeflow.Perf;

/// <summary>Where the cycles go: one stacked bar per row.</summary>
public sealed partial class RowChart
{
    private static readonly string[] s_stageOrder =
        ["between", "device", "receive", "parse", "merged", "emc", "megaflow", "upcall", "conntrack", "record", "actions", "transmit"];

    /// <summary>Colour class of a stage: that of its tier where it is one.</summary>
    public static string StageCss(string stage) => stage switch
    {
        "device" => "t-nic",
        "merged" => "t-merged",
        "emc" => "t-emc",
        "megaflow" => "t-megaflow",
        "upcall" => "t-upcall",
        _ => $"st-{(s_stageOrder.Contains(stage) ? stage : s_stageOrder[0])}",
    };

    /// <summary>Stages that occur, in the order of the packet path.</summary>
    public static IEnumerable<string> StagesOf(IEnumerable<ScenarioResult> rows)
    {
        HashSet<string> found = [.. rows.Where(r => r.Stages is not null).SelectMany(r => r.Stages!.Stages.Select(s => s.Stage))];
        return s_stageOrder.Where(found.Contains);
    }

    /// <summary>Cycles per packet of each stage; only rows that were measured so.</summary>
    public static string Stages(IReadOnlyList<ScenarioResult> rows) => Both(rows, c => c.DrawStages());

    private string DrawStages()
    {
        ChartAxis axis = ChartAxis.Linear(_rows.Max(r => Math.Max(r.Stages!.SumCyclesPerPacket, r.Stages.TotalCyclesPerPacket)), _left, _right, _isNarrow ? 4 : 6);
        var canvas = new SvgCanvas(_width);
        double bottom = Grid(canvas, axis, "cycles per packet");
        EachRow((row, y) =>
        {
            StageResult stages = row.Stages!;
            Labels(canvas, row, y, ResultsTable.Short(stages.SumCyclesPerPacket), (stages.Deviation * 100).ToString("+0;-0;0", CultureInfo.InvariantCulture) + " %");
            double from = 0;
            foreach (StageCycles s in stages.Stages.OrderBy(s => Array.IndexOf(s_stageOrder, s.Stage)))
            {
                double width = axis.At(from + s.CyclesPerPacket) - axis.At(from);
                canvas.Rect(StageCss(s.Stage), axis.At(from), y - 6, Math.Max(0.75, width - (width > 4 ? 1 : 0)), 12, $"{Label(row)}: {s.Stage} {ResultsTable.Short(s.CyclesPerPacket)} cycles", 1.5);
                from += s.CyclesPerPacket;
            }

            canvas.Line("total", axis.At(stages.TotalCyclesPerPacket), y - 9, axis.At(stages.TotalCyclesPerPacket), y + 9);
        });
        return canvas.Finish(Css, bottom, "cycles per packet and stage");
    }
}
