namespace Mergeflow.Perf;

/// <summary>
/// Charts with one row per scenario and mode. Each exists twice, for a wide window (labels on the left) and for a phone (labels above).
/// </summary>
public sealed partial class RowChart
{
    private const double WideWidth = 900;
    private const double NarrowWidth = 360;
    private const double WideRow = 24;
    private const double NarrowRow = 40;
    private const double AxisRoom = 40;
    private const double GroupGap = 8;
    private const double ValueRoom = 118;
    private const double LogFrom = 12;

    private readonly IReadOnlyList<ScenarioResult> _rows;
    private readonly bool _isNarrow;
    private readonly double _width;
    private readonly double _left;
    private readonly double _right;

    private RowChart(IReadOnlyList<ScenarioResult> rows, bool isNarrow)
    {
        (_rows, _isNarrow) = (rows, isNarrow);
        _width = isNarrow ? NarrowWidth : WideWidth;
        _left = isNarrow ? 4 : rows.Max(r => Label(r).Length) * SvgCanvas.CharWidth + 14;
        _right = _width - (isNarrow ? 14 : ValueRoom);
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

    /// <summary>Scenario and mode.</summary>
    public static string Label(ScenarioResult row)
        => $"{row.Name}{(row.CacheOn || row.Name.Contains(ScenarioName.CacheOff, StringComparison.Ordinal) ? "" : " cache off")} · {row.Offload}";

    private static string Both(IReadOnlyList<ScenarioResult> rows, Func<RowChart, string> draw)
        => draw(new RowChart(rows, isNarrow: false)) + draw(new RowChart(rows, isNarrow: true));

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
            (string biggest, _, Func<TierShares, double> top) = TierParts.MaxBy(p => p.Share(row.Tiers));
            Labels(canvas, row, y, $"{ResultsTable.Percent(top(row.Tiers))} %", _isNarrow ? biggest : "");
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

    private double RowHeight => _isNarrow ? NarrowRow : WideRow;

    private void Labels(SvgCanvas canvas, ScenarioResult row, double y, string value, string beside)
    {
        if (_isNarrow)
        {
            canvas.Text("label", _left, y - 13, Label(row));
            bool fits = (Label(row).Length + value.Length + beside.Length + 7) * SvgCanvas.CharWidth < _right - _left;
            canvas.Text("value", _right, y - 13, beside.Length > 0 && fits ? $"{value}  {beside}" : value, "end");
            return;
        }

        canvas.Text("label", _left - 10, y + 4, Label(row), "end");
        canvas.Text("value", _right + 66, y + 4, value, "end");
        canvas.Text("beside", _width - 2, y + 4, beside, "end");
    }

    private double Grid(SvgCanvas canvas, ChartAxis axis, string title)
    {
        double end = 6;
        EachRow((_, y) => end = y + (RowHeight / 2));
        double lastLabel = double.MinValue;
        foreach (double tick in axis.Ticks)
        {
            double x = axis.At(tick);
            canvas.Line("grid", x, 4, x, end);
            string text = ChartAxis.Label(tick);
            if (x - lastLabel < (text.Length * SvgCanvas.CharWidth) + 8) continue;
            canvas.Text("tick", x, end + 15, text, x < 12 ? "start" : "middle");
            lastLabel = x;
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
            draw(row, y + (_isNarrow ? 26 : RowHeight / 2));
            y += RowHeight;
        }
    }
}
