namespace Mergeflow.Perf;

/// <summary>
/// Charts with one row per scenario and mode. Each exists twice, for a wide window (labels on the left, above where they are long) and for a phone (labels above).
/// </summary>
public sealed partial class RowChart
{
    private const double WideWidth = 900;
    private const double NarrowWidth = 360;
    private const double WideRow = 24;
    private const double StackedRow = 40;
    private const double LabelLine = 15;
    private const double AxisRoom = 40;
    private const double GroupGap = 8;
    private const double ValueRoom = 118;

    /// <summary>Characters of a label that leave room for the chart beside it.</summary>
    private const int LongestBeside = 48;

    /// <summary>Characters kept free for the value on the first line of a label that stands above.</summary>
    private const int ValueChars = 18;

    private const double LogFrom = 12;

    private readonly IReadOnlyList<ScenarioResult> _rows;
    private readonly bool _isNarrow;
    private readonly bool _isStacked;
    private readonly double _width;
    private readonly double _left;
    private readonly double _right;

    private RowChart(IReadOnlyList<ScenarioResult> rows, bool isNarrow, double valueRoom)
    {
        (_rows, _isNarrow) = (rows, isNarrow);
        int longest = rows.Max(r => Label(r).Length);
        _isStacked = isNarrow || longest > LongestBeside;
        _width = isNarrow ? NarrowWidth : WideWidth;
        _left = _isStacked ? 4 : (longest * SvgCanvas.CharWidth) + 14;
        _right = _width - (_isStacked ? 14 : valueRoom);
    }

    /// <summary>Median with range and single runs. <paramref name="unit"/> is the axis title.</summary>
    public static string Spread(IReadOnlyList<ScenarioResult> rows, string unit, Func<ScenarioResult, Spread> value, Func<RunResult, double> run, Func<PeerResult, double> peer)
        => Both(rows, c => c.DrawSpread(unit, value, run, peer));

    /// <summary>Shares of the tiers, 100 % per row.</summary>
    public static string Tiers(IReadOnlyList<ScenarioResult> rows) => Both(rows, c => c.DrawTiers());

    /// <summary>Names, classes and values of the tiers, hardware first.</summary>
    public static IReadOnlyList<(string Name, string Css, Func<TierShares, double> Share)> TierParts { get; } =
    [
        ("NIC", "t-nic", t => t.Nic), ("merged rule", "t-merged", t => t.Merged), ("exact-match cache", "t-emc", t => t.Emc),
        ("megaflow search", "t-megaflow", t => t.Megaflow), ("upcall", "t-upcall", t => t.Upcall),
    ];

    /// <summary>What the number beside a bar of <see cref="Tiers"/> says, as the end of a sentence.</summary>
    public static string TiersAbout(IReadOnlyList<ScenarioResult> rows) => HasOffload(rows) ? "was offloaded, by the NIC and merged rules" : "the exact-match cache decided";

    /// <summary>Scenario and mode.</summary>
    public static string Label(ScenarioResult row)
        => $"{row.Name}{(row.CacheOn || row.Name.Contains(ScenarioName.CacheOff, StringComparison.Ordinal) ? "" : " cache off")} · {row.Offload}";

    private static string Both(IReadOnlyList<ScenarioResult> rows, Func<RowChart, string> draw, double valueRoom = ValueRoom)
        => draw(new RowChart(rows, isNarrow: false, valueRoom)) + draw(new RowChart(rows, isNarrow: true, valueRoom));

    private string DrawSpread(string unit, Func<ScenarioResult, Spread> value, Func<RunResult, double> run, Func<PeerResult, double> peer)
    {
        double min = _rows.Min(r => Math.Min(value(r).Min, r.Peer is null ? double.MaxValue : peer(r.Peer)));
        double max = _rows.Max(r => Math.Max(value(r).Max, r.Peer is null ? 0 : peer(r.Peer)));
        bool isLog = min > 0 && max / min > LogFrom;
        ChartAxis axis = isLog ? ChartAxis.Log(min, max, _left, _right) : ChartAxis.Linear(max, _left, _right, _isNarrow ? 4 : 6);
        var canvas = new SvgCanvas(_width);
        double bottom = Grid(canvas, axis, unit + (isLog ? " (logarithmic)" : ""));
        EachRow((row, y) =>
        {
            Spread s = value(row);
            string text = ResultsTable.Short(s.Median);
            string tip = $"{Label(row)}: median {text}, {ResultsTable.Short(s.Min)} to {ResultsTable.Short(s.Max)} {unit}";
            Labels(canvas, row, y, text, $"±{s.Noise * 100:F0} %");
            if (!isLog) canvas.Rect($"bar m-{row.Offload}", axis.At(0), y - 5, axis.At(s.Median) - axis.At(0), 10, tip, 2);
            canvas.Line("range", axis.At(s.Min), y, axis.At(s.Max), y);
            foreach (RunResult r in row.Runs) canvas.Dot($"run m-{row.Offload}", axis.At(run(r)), y, 2.2);
            if (row.Peer is not null) canvas.Diamond("peer", axis.At(peer(row.Peer)), y, 5.5, $"{row.Name}: {row.Peer.Name} {ResultsTable.Short(peer(row.Peer))} {unit}");
            if (isLog) canvas.Dot($"median m-{row.Offload}", axis.At(s.Median), y, 5.5, tip);
        });
        return canvas.Finish(Css, bottom, $"{unit} per scenario");
    }

    private string DrawTiers()
    {
        ChartAxis axis = ChartAxis.Linear(100, _left, _right);
        var canvas = new SvgCanvas(_width);
        double bottom = Grid(canvas, axis, "share of packets, %");
        EachRow((row, y) =>
        {
            double? number = !HasOffload(_rows) ? row.Tiers.Emc : row.Offload == "none" ? null : row.Tiers.Nic + row.Tiers.Merged;
            Labels(canvas, row, y, number is double n ? (n == 0 ? "0 %" : $"{ResultsTable.Percent(n)} %") : "–", "");
            double from = 0;
            foreach ((string name, string css, Func<TierShares, double> share) in TierParts)
            {
                double part = share(row.Tiers);
                double width = axis.At(from + part) - axis.At(from);
                if (part > 0) canvas.Rect(css, axis.At(from), y - 6, Math.Max(0.75, width - (width > 4 ? 1.5 : 0)), 12, $"{Label(row)}: {name} {ResultsTable.Percent(part)} %", 1.5);
                from += part;
            }
        });
        return canvas.Finish(Css, bottom, "share of packets per tier and scenario");
    }

    private string Css => _isNarrow ? "chart narrow" : "chart wide";

    private static bool HasOffload(IReadOnlyList<ScenarioResult> rows) => rows.Any(static r => r.Offload != "none");

    private double RowHeight(ScenarioResult row) => _isStacked ? StackedRow + ((LabelLines(row).Count - 1) * LabelLine) : WideRow;

    /// <summary>A label above its bar is broken where it is too long for the line, never cut: its end tells rows of several files apart.</summary>
    private List<string> LabelLines(ScenarioResult row)
    {
        int most = (int)((_right - _left) / SvgCanvas.CharWidth) - ValueChars;
        List<string> lines = [];
        string rest = Label(row);
        while (rest.Length > most)
        {
            int cut = rest.LastIndexOfAny([' ', '_', '-', '/', '.'], most - 1) + 1;
            if (cut <= most / 2) cut = most;
            lines.Add(rest[..cut]);
            rest = rest[cut..];
        }

        lines.Add(rest);
        return lines;
    }

    private void Labels(SvgCanvas canvas, ScenarioResult row, double y, string value, string beside)
    {
        if (_isStacked)
        {
            List<string> lines = LabelLines(row);
            for (int i = 0; i < lines.Count; i++) canvas.Text("label", _left, y - 13 - ((lines.Count - 1 - i) * LabelLine), lines[i]);
            canvas.Text("value", _right, y - 13 - ((lines.Count - 1) * LabelLine), beside.Length > 0 ? $"{value}  {beside}" : value, "end");
            return;
        }

        canvas.Text("label", _left - 10, y + 4, Label(row), "end");
        canvas.Text("value", _right + 66, y + 4, value, "end");
        canvas.Text("beside", _right + 72, y + 4, beside);
    }

    private double Grid(SvgCanvas canvas, ChartAxis axis, string title)
    {
        double end = 6;
        EachRow((_, y) => end = y + (_isStacked ? 14 : WideRow / 2));
        double free = double.MinValue;
        foreach (double tick in axis.Ticks)
        {
            double x = axis.At(tick);
            canvas.Line("grid", x, 4, x, end);
            string text = ChartAxis.Label(tick);
            double width = text.Length * SvgCanvas.DigitWidth;
            double from = Math.Clamp(x - (width / 2), 0, _width - width);
            if (from < free) continue;
            canvas.Text("tick", from + (width / 2), end + 15, text, "middle");
            free = from + width + 8;
        }

        canvas.Text("axis", (_left + _right) / 2, end + 32, title, "middle");
        return end + AxisRoom;
    }

    /// <summary>Calls with the middle of each row; a new scenario begins after a gap.</summary>
    private void EachRow(Action<ScenarioResult, double> draw)
    {
        double y = 6;
        string? scenario = null;
        foreach (ScenarioResult row in _rows)
        {
            if (scenario is not null && scenario != row.Name) y += GroupGap;
            scenario = row.Name;
            double height = RowHeight(row);
            draw(row, y + (_isStacked ? height - 14 : height / 2));
            y += height;
        }
    }
}
