using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.Xlate;

/// <summary>The text of a step of a translation: put together only if the translation is explained, so that upcalls leave no garbage.</summary>
[InterpolatedStringHandler]
internal ref struct XlateNote
{
    private DefaultInterpolatedStringHandler _text;

    /// <summary>Called by the compiler; <paramref name="isWanted"/> is false if nobody reads the text.</summary>
    public XlateNote(int literalLength, int formattedCount, XlateContext context, out bool isWanted)
    {
        isWanted = context.Out.Steps is not null;
        _text = isWanted ? new DefaultInterpolatedStringHandler(literalLength, formattedCount) : default;
    }

    /// <summary>Called by the compiler.</summary>
    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    /// <summary>Called by the compiler.</summary>
    public void AppendFormatted<T>(T value, string? format = null) => _text.AppendFormatted(value, format);

    /// <summary>The text; once.</summary>
    internal string Take() => _text.ToStringAndClear();
}
