using System.Globalization;
using System.Text.RegularExpressions;
using Match = System.Text.RegularExpressions.Match;

namespace Mergeflow.Tests;

/// <summary>A strict reader of OpenMetrics 1.0 text, written from the specification: what it does not expect is a <see cref="FormatException"/>.</summary>
internal sealed partial class OpenMetricsReader
{
    private static readonly Dictionary<string, string[]> s_suffixes = new()
    {
        ["counter"] = ["_total", "_created"],
        ["gauge"] = [""],
        ["histogram"] = ["_bucket", "_count", "_sum", "_created"],
        ["info"] = ["_info"],
    };

    private readonly Dictionary<string, string> _types = [];
    private readonly HashSet<string> _seen = [];

    /// <summary>Families and their types.</summary>
    public IReadOnlyDictionary<string, string> Types => _types;

    /// <summary>Units of families that have one.</summary>
    public Dictionary<string, string> Units { get; } = [];

    /// <summary>Help of families.</summary>
    public Dictionary<string, string> Help { get; } = [];

    /// <summary>Values by name and labels as they are written, the labels unescaped.</summary>
    public Dictionary<string, double> Samples { get; } = [];

    /// <summary>Reads a whole text.</summary>
    public static OpenMetricsReader Read(string text)
    {
        if (!text.EndsWith("# EOF\n", StringComparison.Ordinal)) throw new FormatException("no end mark");
        OpenMetricsReader reader = new();
        string family = "";
        string[] lines = text[..^"# EOF\n".Length].Split('\n');
        if (lines[^1].Length > 0) throw new FormatException("the line before the end mark has no end");
        foreach (string line in lines[..^1]) family = line.StartsWith("# ", StringComparison.Ordinal) ? reader.ReadHead(line, family) : reader.ReadSample(line, family);
        reader.CheckHistograms();
        return reader;
    }

    private string ReadHead(string line, string family)
    {
        Match head = Head().Match(line);
        if (!head.Success) throw new FormatException($"no such comment: {line}");
        (string kind, string name, string rest) = (head.Groups[1].Value, head.Groups[2].Value, head.Groups[3].Value);
        if (kind == "TYPE")
        {
            if (!s_suffixes.ContainsKey(rest) || !_types.TryAdd(name, rest)) throw new FormatException($"type again, or of no kind: {line}");
            if (rest == "counter" && name.EndsWith("_total", StringComparison.Ordinal)) throw new FormatException($"a family of counters is named without _total: {line}");
            return name;
        }

        if (name != family || Samples.Keys.Any(s => s.StartsWith(name + "{", StringComparison.Ordinal))) throw new FormatException($"not in its family: {line}");
        if (kind == "UNIT" && !(rest.Length > 0 && name.EndsWith("_" + rest, StringComparison.Ordinal) && Units.TryAdd(name, rest))) throw new FormatException($"a unit that the name does not end with: {line}");
        if (kind == "HELP" && !(Escaped().IsMatch(rest) && Help.TryAdd(name, rest))) throw new FormatException($"help: {line}");
        return family;
    }

    private string ReadSample(string line, string family)
    {
        Match sample = Sample().Match(line);
        if (!sample.Success || !_types.TryGetValue(family, out string? type)) throw new FormatException($"no sample, or of no family: {line}");
        string name = sample.Groups[1].Value;
        if (!s_suffixes[type].Any(s => name == family + s)) throw new FormatException($"not a name of {family}: {line}");
        Match[] labels = [.. Label().Matches(sample.Groups[2].Value).Cast<Match>()];
        if (labels.Select(static l => l.Groups[1].Value).Distinct().Count() != labels.Length) throw new FormatException($"a label twice: {line}");
        double value = sample.Groups[3].Value == "+Inf" ? double.PositiveInfinity : double.Parse(sample.Groups[3].Value, NumberStyles.Float, CultureInfo.InvariantCulture);
        if (type is "counter" or "histogram" && value is < 0 or double.NaN) throw new FormatException($"a count below nothing: {line}");
        string key = name + "{" + string.Join(',', labels.Select(static l => $"{l.Groups[1].Value}={Unescape(l.Groups[2].Value)}")) + "}";
        if (!_seen.Add(key)) throw new FormatException($"a sample twice: {line}");
        Samples.Add(key, value);
        return family;
    }

    /// <summary>Classes grow, the last one is the count.</summary>
    private void CheckHistograms()
    {
        foreach (string family in _types.Where(static t => t.Value == "histogram").Select(static t => t.Key))
        {
            foreach (var series in Samples.Where(s => s.Key.StartsWith($"{family}_bucket{{", StringComparison.Ordinal)).GroupBy(static s => Bound().Replace(s.Key, "")))
            {
                (double Bound, double Count)[] classes = [.. series.Select(static s => (Number(Bound().Match(s.Key).Groups[1].Value), s.Value))];
                (double Bound, double Count)[] sorted = [.. classes.OrderBy(static c => c.Bound)];
                if (!classes.SequenceEqual(sorted) || !sorted.Select(static c => c.Count).SequenceEqual(sorted.Select(static c => c.Count).Order()) || !double.IsPositiveInfinity(classes[^1].Bound)) throw new FormatException($"classes of {series.Key}");
                if (Samples[series.Key.Replace("_bucket{", "_count{", StringComparison.Ordinal)] != classes[^1].Count) throw new FormatException($"count of {series.Key}");
            }
        }
    }

    private static double Number(string text) => text == "+Inf" ? double.PositiveInfinity : double.Parse(text, CultureInfo.InvariantCulture);

    private static string Unescape(string text) => Escape().Replace(text, static e => e.Value switch { "\\n" => "\n", "\\\"" => "\"", _ => "\\" });

    [GeneratedRegex(@"^# (TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$")]
    private static partial Regex Head();

    [GeneratedRegex(@"^([a-zA-Z_:][a-zA-Z0-9_:]*)((?:\{(?:[a-zA-Z_][a-zA-Z0-9_]*=""(?:[^""\\\n]|\\[\\""n])*"",?)*(?<!,)\})?) ([0-9.eE+-]+|\+Inf)$")]
    private static partial Regex Sample();

    [GeneratedRegex(@"([a-zA-Z_][a-zA-Z0-9_]*)=""((?:[^""\\\n]|\\[\\""n])*)""")]
    private static partial Regex Label();

    [GeneratedRegex(@"^(?:[^""\\]|\\[\\""n])*$")]
    private static partial Regex Escaped();

    [GeneratedRegex(@"\\[\\""n]")]
    private static partial Regex Escape();

    [GeneratedRegex(@",?le=([^,}]+)")]
    private static partial Regex Bound();
}
