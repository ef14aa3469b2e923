using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Text;

/// <summary>Ranges of fields in text: <c>FIELD[]</c>, <c>FIELD[n]</c>, <c>FIELD[a..b]</c> (OVS <c>mf_parse_subfield</c>).</summary>
public static class SubfieldText
{
    /// <summary>Reads one.</summary>
    /// <exception cref="FlowTextException">It is none.</exception>
    public static Subfield Parse(string text)
    {
        Subfield range = FieldText.ParseSubfield(new TextPiece(text, 0, text.Length, 1), out TextPiece rest);
        if (!rest.IsEmpty) rest.Fail($"{text}: there is something behind it");
        return range;
    }
}
