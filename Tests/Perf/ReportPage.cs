using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Mergeflow.Perf;

namespace Mergeflow.Tests;

/// <summary>A report taken apart: its style sheet, and its body as a tree.</summary>
internal sealed partial class ReportPage
{
    public ReportPage(ResultsFile results)
    {
        Html = HtmlReport.Write(results, null);
        string css = Html[(Html.IndexOf("<style>", StringComparison.Ordinal) + 7)..Html.IndexOf("</style>", StringComparison.Ordinal)];
        int dark = css.IndexOf("@media (prefers-color-scheme: dark)", StringComparison.Ordinal);
        int end = css.IndexOf("* { box-sizing", StringComparison.Ordinal);
        (Light, Dark, Rules) = (Variables(css[..dark]), Variables(css[dark..end]), css[end..]);
        int from = Html.IndexOf("<main>", StringComparison.Ordinal), to = Html.IndexOf("</main>", StringComparison.Ordinal) + "</main>".Length;
        Body = XElement.Parse(Html[from..to].Replace("&nbsp;", " ", StringComparison.Ordinal));
    }

    public string Html { get; }

    /// <summary>Colours by name, without the dashes.</summary>
    public IReadOnlyDictionary<string, string> Light { get; }

    public IReadOnlyDictionary<string, string> Dark { get; }

    /// <summary>The style sheet behind the colours.</summary>
    public string Rules { get; }

    public XElement Body { get; }

    /// <summary>Elements of a name, of a class if one is given.</summary>
    public IEnumerable<XElement> All(string name, string? css = null) => Body.Descendants(name).Where(e => css is null || (e.Attribute("class")?.Value.Split(' ').Contains(css) ?? false));

    /// <summary>Values of the headline, in order.</summary>
    public IReadOnlyList<string> Figures => [.. All("section", "figures").Single().Descendants("strong").Select(static s => s.Value)];

    /// <summary>The section with that heading.</summary>
    public XElement Section(string heading) => All("section").Single(s => s.Element("h2")?.Value == heading);

    /// <summary>Contrast of two colours, 1 to 21 (WCAG 2.2).</summary>
    public static double Contrast(string a, string b)
    {
        double la = Luminance(a), lb = Luminance(b);
        return (Math.Max(la, lb) + 0.05) / (Math.Min(la, lb) + 0.05);
    }

    private static double Luminance(string colour)
    {
        double Part(int at)
        {
            double v = int.Parse(colour.AsSpan(at, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) / 255.0;
            return v <= 0.04045 ? v / 12.92 : Math.Pow((v + 0.055) / 1.055, 2.4);
        }

        return (0.2126 * Part(1)) + (0.7152 * Part(3)) + (0.0722 * Part(5));
    }

    private static Dictionary<string, string> Variables(string css) => Variable().Matches(css).ToDictionary(static m => m.Groups[1].Value, static m => m.Groups[2].Value);

    [GeneratedRegex("--([a-z0-9-]+): (#[0-9a-f]{6,8});")]
    private static partial Regex Variable();
}
