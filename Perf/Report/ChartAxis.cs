using System.Globalization;

namespace Mergeflow.Perf;

/// <summary>A numeric axis: from value to pixel, and where its ticks are.</summary>
public sealed class ChartAxis
{
    private readonly double _from;
    private readonly double _to;
    private readonly double _x0;
    private readonly double _x1;
    private readonly bool _isLog;

    private ChartAxis(double from, double to, double x0, double x1, bool isLog, IReadOnlyList<double> ticks)
        => (_from, _to, _x0, _x1, _isLog, Ticks) = (from, to, x0, x1, isLog, ticks);

    /// <summary>Values with a grid line.</summary>
    public IReadOnlyList<double> Ticks { get; }

    /// <summary>From 0 to a round number at or above <paramref name="max"/>.</summary>
    public static ChartAxis Linear(double max, double x0, double x1, int wantedTicks = 5)
    {
        double raw = Math.Max(max, 1e-9) / wantedTicks;
        double power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        double step = new[] { 1.0, 2, 5, 10 }.First(m => m * power >= raw * 0.999) * power;
        int count = (int)Math.Ceiling(max / step - 1e-9);
        return new ChartAxis(0, Math.Max(1, count) * step, x0, x1, false, [.. Enumerable.Range(0, Math.Max(1, count) + 1).Select(i => i * step)]);
    }

    /// <summary>Logarithmic, between steps of 1, 2, 5.</summary>
    public static ChartAxis Log(double min, double max, double x0, double x1)
    {
        var ticks = new List<double>();
        for (double p = Math.Pow(10, Math.Floor(Math.Log10(min))); p <= max * 10; p *= 10)
        {
            foreach (double m in new[] { 1.0, 2, 5 }) ticks.Add(m * p);
        }

        double from = ticks.Last(t => t <= min * 1.0001);
        double to = ticks.First(t => t >= max * 0.9999);
        if (to <= from) to = ticks.First(t => t > from);
        return new ChartAxis(from, to, x0, x1, true, [.. ticks.Where(t => t >= from && t <= to)]);
    }

    /// <summary>Pixel of a value.</summary>
    public double At(double value)
    {
        double part = _isLog ? Math.Log(Math.Max(value, _from) / _from) / Math.Log(_to / _from) : (value - _from) / (_to - _from);
        return _x0 + (part * (_x1 - _x0));
    }

    /// <summary>Label of a tick.</summary>
    public static string Label(double value) => value switch
    {
        >= 1e6 => (value / 1e6).ToString("0.##", CultureInfo.InvariantCulture) + "M",
        >= 10_000 => (value / 1e3).ToString("0.##", CultureInfo.InvariantCulture) + "k",
        _ => value.ToString("0.###", CultureInfo.InvariantCulture),
    };
}
