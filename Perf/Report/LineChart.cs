namespace Mergeflow.Perf;

/// <summary>Lines over a numeric axis, for a wide window and for a phone.</summary>
public sealed record LineChart(string XTitle, string YTitle, bool LogX)
{
    private const double Height = 300;
    private const double Left = 52;
    private const double Bottom = 42;
    private const double Top = 24;

    /// <summary>Logarithmic y.</summary>
    public bool LogY { get; init; }

    /// <summary>Names of certain values of x instead of numbers, or null.</summary>
    public IReadOnlyList<(double X, string Name)>? XNames { get; init; }

    /// <summary>A line.</summary>
    /// <param name="Name">For the tooltip of its points.</param>
    /// <param name="Css">Colour class.</param>
    /// <param name="Points">In order of x.</param>
    public sealed record Series(string Name, string Css, IReadOnlyList<(double X, double Y)> Points);

    /// <summary>Colour class of the n-th line.</summary>
    public static string CssOf(int n) => n < 8 ? $"series{n}" : $"series{n % 8} dash{Math.Min(2, n / 8)}";

    /// <summary>Both drawings.</summary>
    public string Draw(IReadOnlyList<Series> series) => Draw(series, 900, "chart wide") + Draw(series, 360, "chart narrow");

    private string Draw(IReadOnlyList<Series> series, double width, string css)
    {
        double xMin = series.Min(s => s.Points.Min(p => p.X));
        double xMax = series.Max(s => s.Points.Max(p => p.X));
        ChartAxis x = LogX ? ChartAxis.Log(xMin, xMax, Left, width - 14) : ChartAxis.Linear(xMax, Left, width - 14, width < 500 ? 4 : 8);
        double yMax = series.Max(s => s.Points.Max(p => p.Y));
        double yMin = series.Min(s => s.Points.Min(p => p.Y));
        ChartAxis y = LogY && yMin > 0 ? ChartAxis.Log(yMin, yMax, Height - Bottom, Top) : ChartAxis.Linear(yMax, Height - Bottom, Top);
        var canvas = new SvgCanvas(width);
        foreach (double tick in y.Ticks)
        {
            canvas.Line("grid", Left, y.At(tick), width - 14, y.At(tick));
            canvas.Text("tick", Left - 6, y.At(tick) + 4, ChartAxis.Label(tick), "end");
        }

        double free = double.MinValue;
        foreach ((double tick, string text) in XNames ?? [.. x.Ticks.Select(t => (t, ChartAxis.Label(t)))])
        {
            canvas.Line("grid", x.At(tick), Top, x.At(tick), Height - Bottom);
            double textWidth = text.Length * SvgCanvas.DigitWidth;
            double from = Math.Clamp(x.At(tick) - (textWidth / 2), 0, width - textWidth);
            if (from < free) continue;
            canvas.Text("tick", from + (textWidth / 2), Height - Bottom + 15, text, "middle");
            free = from + textWidth + 8;
        }

        canvas.Text("axis", (Left + width - 14) / 2, Height - 8, $"{XTitle}{(LogX ? " (logarithmic)" : "")}", "middle");
        canvas.Text("axis", Left, Top - 10, $"{YTitle}{(LogY ? " (logarithmic)" : "")}");
        foreach (Series s in series)
        {
            canvas.Polyline(s.Css, s.Points.Select(p => (x.At(p.X), y.At(p.Y))));
            if (s.Points.Count > 60) continue;
            foreach ((double px, double py) in s.Points) canvas.Dot(s.Css, x.At(px), y.At(py), 3.2, $"{s.Name}: {ChartAxis.Label(px)}, {ResultsTable.Short(py)}");
        }

        return canvas.Finish(css, Height, $"{YTitle} over {XTitle}");
    }
}
