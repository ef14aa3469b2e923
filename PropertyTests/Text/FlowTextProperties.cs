using FsCheck.Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>Flow text: what is printed parses back to the same, and no text does more harm than a refusal with a place.</summary>
public sealed class FlowTextProperties
{
    private const string Alphabet = "(),=:[]/.-+>0123456789abcdefx*\"_ plrt\t#";

    private static readonly PortNames s_ports = new(new Dictionary<string, uint> { ["p1"] = 1 });

    [SeededProperty(MaxTest = 3000, Arbitrary = [typeof(FlowLines)])]
    public void Parse_of_format_is_identity(FlowLine line)
    {
        var parser = new FlowTextParser(s_ports);
        var formatter = new FlowTextFormatter(s_ports);
        FlowMod first = parser.ParseFlow(line.ToString());
        string text = formatter.Format(first);
        FlowMod second = parser.ParseFlow(text);
        if (!Match.Same(ref first.Match, ref second.Match)) throw new InvalidOperationException($"the match changed: {text}");
        if (!first.Actions.Equals(second.Actions)) throw new InvalidOperationException($"the actions changed: {text}");
        if (!Head(first).Equals(Head(second))) throw new InvalidOperationException($"the head changed: {text}");
        if (formatter.Format(second) != text) throw new InvalidOperationException($"the text is not stable: {text}");
    }

    [SeededProperty(MaxTest = 3000, Arbitrary = [typeof(FlowLines)])]
    public bool Value_bits_outside_the_mask_are_zero(FlowLine line)
    {
        FlowMod flow = new FlowTextParser(s_ports).ParseFlow(line.ToString());
        for (int i = 0; i < PipelineFlow.SizeBytes; i++)
        {
            if ((flow.Match.Value.Bytes[i] & ~flow.Match.Mask.Bytes[i]) != 0) return false;
        }

        return true;
    }

    [SeededProperty(MaxTest = 5000, Arbitrary = [typeof(FlowLines)])]
    public bool Damaged_text_parses_or_is_refused_with_its_place(FlowLine line, (ushort Place, byte Letter, byte Kind)[] damage)
    {
        string text = line.ToString();
        foreach ((ushort place, byte letter, byte kind) in damage)
        {
            if (text.Length == 0) break;
            int at = place % text.Length;
            char c = Alphabet[letter % Alphabet.Length];
            text = (kind % 4) switch
            {
                0 => text.Remove(at, 1),
                1 => text.Insert(at, c.ToString()),
                2 => text[..at],
                _ => text.Remove(at, 1).Insert(at, c.ToString()),
            };
        }

        return ParsesOrNamesAPlace(text, t => new FlowTextParser(s_ports).ParseFlow(t, 9))
            && ParsesOrNamesAPlace(text, t => new FlowTextParser(s_ports).ParseGroup("group_id=1,type=select,bucket=" + t, 9));
    }

    [SeededProperty(MaxTest = 3000)]
    public bool Any_text_parses_or_is_refused(string? text)
        => ParsesOrNamesAPlace(text ?? "", t => new FlowTextParser(s_ports).ParseFlow(t, 9))
        && ParsesOrNamesAPlace(text ?? "", t => new FlowTextParser(s_ports).ParseGroup(t, 9));

    private static bool ParsesOrNamesAPlace(string text, Action<string> parse)
    {
        try
        {
            parse(text);
            return true;
        }
        catch (FlowTextException e)
        {
            return e.Line == 9 && e.Column >= 1 && e.Column <= text.Length + 40 && e.Message.Length > 0;
        }
    }

    private static object Head(FlowMod f) => (f.Command, f.Table, f.Priority, f.Cookie, f.CookieMask, f.NewCookie, f.IdleTimeoutSeconds, f.HardTimeoutSeconds, f.Flags);
}
