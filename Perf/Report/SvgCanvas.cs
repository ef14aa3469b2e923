using System.Globalization;
using System.Net;
using System.Text;

namespace Mergeflow.Perf;

/// <summary>Writes SVG elements. Colours are CSS classes of the page, so that light and dark need one drawing.</summary>
public sealed class SvgCanvas
{
    /// <summary>Mean width of a character of 12 px text, px: enough to leave room for labels.</summary>
    public const double CharWidth = 6.7;

    /// <summary>Width of a digit of it in the widest of the fonts, px: enough that a number stays inside the drawing.</summary>
    public const double DigitWidth = 7.8;

    private readonly StringBuilder _body = new();
    private readonly double _width;

    /// <summary>An empty drawing, <paramref name="width"/> px wide.</summary>
    public SvgCanvas(double width) => _width = width;

    /// <summary>A line.</summary>
    public void Line(string css, double x1, double y1, double x2, double y2)
        => Add($"<line class=\"{css}\" x1=\"{N(x1)}\" y1=\"{N(y1)}\" x2=\"{N(x2)}\" y2=\"{N(y2)}\"/>");

    /// <summary>A rectangle with a tooltip.</summary>
    public void Rect(string css, double x, double y, double width, double height, string? tooltip = null, double radius = 0)
        => Add($"<rect class=\"{css}\" x=\"{N(x)}\" y=\"{N(y)}\" width=\"{N(Math.Max(0, width))}\" height=\"{N(height)}\" rx=\"{N(radius)}\">{Tooltip(tooltip)}</rect>");

    /// <summary>A disc with a tooltip.</summary>
    public void Dot(string css, double x, double y, double radius, string? tooltip = null)
        => Add($"<circle class=\"{css}\" cx=\"{N(x)}\" cy=\"{N(y)}\" r=\"{N(radius)}\">{Tooltip(tooltip)}</circle>");

    /// <summary>A square on its corner, with a tooltip.</summary>
    public void Diamond(string css, double x, double y, double radius, string? tooltip = null)
        => Add($"<path class=\"{css}\" d=\"M{N(x - radius)} {N(y)}L{N(x)} {N(y - radius)}L{N(x + radius)} {N(y)}L{N(x)} {N(y + radius)}Z\">{Tooltip(tooltip)}</path>");

    /// <summary>A connected line through points.</summary>
    public void Polyline(string css, IEnumerable<(double X, double Y)> points)
        => Add($"<polyline class=\"{css}\" points=\"{string.Join(' ', points.Select(p => $"{N(p.X)},{N(p.Y)}"))}\"/>");

    /// <summary>Text; <paramref name="anchor"/> is <c>start</c>, <c>middle</c> or <c>end</c>.</summary>
    public void Text(string css, double x, double y, string text, string anchor = "start")
        => Add($"<text class=\"{css}\" x=\"{N(x)}\" y=\"{N(y)}\" text-anchor=\"{anchor}\">{WebUtility.HtmlEncode(text)}</text>");

    /// <summary>The whole drawing.</summary>
    /// <param name="css">Class of the svg element.</param>
    /// <param name="height">Height, px.</param>
    /// <param name="label">What it shows, for readers who cannot see it.</param>
    public string Finish(string css, double height, string label)
        => $"<svg class=\"{css}\" viewBox=\"0 0 {N(_width)} {N(height)}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(label)}\">\n{_body}</svg>\n";

    /// <summary>Invariant, at most two decimals.</summary>
    public static string N(double value) => Math.Round(value, 2).ToString(CultureInfo.InvariantCulture);

    private static string Tooltip(string? text) => text is null ? "" : $"<title>{WebUtility.HtmlEncode(text)}</title>";

    private void Add(string element) => _body.Append(element).Append('\n');
}
