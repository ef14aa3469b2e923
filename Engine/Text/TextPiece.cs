using System.Diagnostics.CodeAnalysis;

namespace Mergeflow.Engine.Text;

/// <summary>A range of one input line that knows where it came from, so that every error can name line and column.</summary>
internal readonly struct TextPiece(string source, int start, int length, int line)
{
    /// <summary>Index of the first character in its line.</summary>
    public int Start => start;

    public int Length => length;

    /// <summary>Line number, from 1.</summary>
    public int Line => line;

    /// <summary>Column of the first character, from 1.</summary>
    public int Column => start + 1;

    public bool IsEmpty => length == 0;

    public ReadOnlySpan<char> Span => source.AsSpan(start, length);

    public static TextPiece Whole(string text, int line) => new(text, 0, text.Length, line);

    public TextPiece Slice(int offset) => new(source, start + offset, length - offset, line);

    public TextPiece Slice(int offset, int count) => new(source, start + offset, count, line);

    public bool Is(string text) => Span.SequenceEqual(text);

    public bool IsIgnoreCase(string text) => Span.Equals(text, StringComparison.OrdinalIgnoreCase);

    public override string ToString() => Span.ToString();

    /// <summary>An error at the first character of this piece.</summary>
    public FlowTextException Error(string message) => new(message, line, Column);

    [DoesNotReturn]
    public void Fail(string message) => throw Error(message);

    [DoesNotReturn]
    public void Unsupported(string message) => throw new UnsupportedFeatureException(message, line, Column);

    /// <summary>Without the spaces at both ends.</summary>
    public TextPiece Trim()
    {
        int from = 0, to = length;
        while (from < to && IsSpace(Span[from])) from++;
        while (to > from && IsSpace(Span[to - 1])) to--;
        return Slice(from, to - from);
    }

    public static bool IsSpace(char c) => c is ' ' or '\t' or '\r' or '\n';
}
