using System.Globalization;
using System.Net;
using System.Text;

namespace Mergeflow.Perf;

/// <summary>Draws a <see cref="StackTree"/> as a flame graph: width is time, what stands on a method was called by it. One file, no script.</summary>
public static class FlameGraph
{
    private const double Width = 1600;
    private const double RowHeight = 18;
    private const double CharWidth = 6.6;
    private const double LeastWidth = 0.5;
    private const double Margin = 34;

    /// <summary>The drawing.</summary>
    /// <param name="root">Stacks.</param>
    /// <param name="title">Heading.</param>
    public static string Svg(StackTree root, string title)
    {
        double height = (root.Depth * RowHeight) + (2 * Margin);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {SvgCanvas.N(Width)} {SvgCanvas.N(height)}\" font-family=\"monospace\" font-size=\"11\">\n");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"#fffdf7\"/>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"8\" y=\"20\" font-size=\"14\">{WebUtility.HtmlEncode(title)}: {root.Samples} samples; width is time, callers below</text>\n");
        if (root.Samples > 0) Draw(svg, root, root.Samples, 0, height - Margin - RowHeight);
        return svg.Append("</svg>\n").ToString();
    }

    private static void Draw(StringBuilder svg, StackTree node, int total, double x, double y)
    {
        double width = Width * node.Samples / total;
        if (width < LeastWidth) return;
        string share = (100.0 * node.Samples / total).ToString("F1", CultureInfo.InvariantCulture);
        svg.Append(CultureInfo.InvariantCulture, $"<g><title>{WebUtility.HtmlEncode(node.Name)}: {node.Samples} samples, {share} %</title>");
        svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{SvgCanvas.N(x)}\" y=\"{SvgCanvas.N(y)}\" width=\"{SvgCanvas.N(Math.Max(LeastWidth, width - 0.5))}\" height=\"{SvgCanvas.N(RowHeight - 1)}\" fill=\"{Colour(node.Name)}\"/>");
        int letters = (int)((width - 6) / CharWidth);
        if (letters >= 3)
        {
            string text = node.Name.Length <= letters ? node.Name : node.Name[..(letters - 2)] + "..";
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{SvgCanvas.N(x + 3)}\" y=\"{SvgCanvas.N(y + 13)}\">{WebUtility.HtmlEncode(text)}</text>");
        }

        svg.Append("</g>\n");
        foreach (StackTree child in node.Children)
        {
            Draw(svg, child, total, x, y - RowHeight);
            x += Width * child.Samples / total;
        }
    }

    /// <summary>Warm, the same for the same name.</summary>
    private static string Colour(string name)
    {
        uint hash = name.Aggregate(2166136261u, (h, c) => (h ^ c) * 16777619u);
        return string.Create(CultureInfo.InvariantCulture, $"hsl({20 + (hash % 35)} 85% {62 + ((hash >> 8) % 14)}%)");
    }
}
