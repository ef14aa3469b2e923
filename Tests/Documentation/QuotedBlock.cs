namespace Mergeflow.Tests;

/// <summary>
/// A part of a document that a program wrote: between a line with <c>output:</c> or <c>benchmark:</c> in an HTML comment and the end of the fenced
/// block, resp. a comment <c>/benchmark</c>.
/// </summary>
/// <param name="File">Document, relative to the root of the tree.</param>
/// <param name="Kind"><c>output</c> or <c>benchmark</c>.</param>
/// <param name="Source">The command, or the results file.</param>
/// <param name="From">Index of the first line of the content.</param>
/// <param name="To">Index of the first line after it.</param>
/// <param name="Content">What the document says, lines joined by LF, with a final LF.</param>
internal sealed record QuotedBlock(string File, string Kind, string Source, int From, int To, string Content)
{
    private static readonly string[] s_kinds = ["output", "benchmark"];

    /// <summary>Every block of every document.</summary>
    public static IReadOnlyList<QuotedBlock> All() => [.. RepositoryFiles.Files(".", "*.md").SelectMany(f => In(f, RepositoryFiles.Read(f)))];

    /// <summary>The blocks of one document.</summary>
    public static IEnumerable<QuotedBlock> In(string file, string text)
    {
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string? kind = Array.Find(s_kinds, k => lines[i].StartsWith($"<!-- {k}: ", StringComparison.Ordinal) && lines[i].EndsWith(" -->", StringComparison.Ordinal));
            if (kind is null) continue;
            string source = lines[i][$"<!-- {kind}: ".Length..^" -->".Length];
            int from = i + (kind == "output" ? 2 : 1);
            string end = kind == "output" ? "```" : "<!-- /benchmark -->";
            int to = Array.FindIndex(lines, from, l => l == end);
            if (to < 0 || (kind == "output" && lines[i + 1] != "```")) throw new FormatException($"{file}: line {i + 1}: the block of \"{source}\" has no end or no fence");
            yield return new QuotedBlock(file, kind, source, from, to, string.Concat(lines[from..to].Select(l => l + "\n")));
            i = to;
        }
    }
}
