using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>Action lists and instructions (OVS <c>ofpacts_parse</c>, <c>ofpacts_verify</c>).</summary>
internal sealed partial class ActionTextParser
{
    /// <summary>OVS <c>MAX_OFPACT_PARSE_DEPTH</c>.</summary>
    private const int MaxDepth = 100;

    private static readonly HashSet<string> s_unsupported =
    [
        "unroll_xlate", "dec_nsh_ttl", "delete_field",
    ];

    private readonly PortNames _ports;
    private readonly bool _takesLayers;
    private ActionCheckState _check;
    private int _depth;

    public ActionTextParser(PortNames ports, ActionCheckState check, bool takesLayers) => (_ports, _check, _takesLayers) = (ports, check, takesLayers);

    /// <summary>The right side of <c>actions=</c>; an empty list is an explicit drop.</summary>
    public EquatableList<OfAction> ParseInstructions(TextPiece text)
    {
        List<OfAction> list = ParseList(text, Nesting.None, allowInstructions: true);
        return new EquatableList<OfAction>(list.Count == 0 ? [new OfDrop()] : list);
    }

    /// <summary>The actions of a group bucket, one item at a time.</summary>
    public void ParseItem(List<ParsedAction> into, TextPiece key, TextPiece value, char delimiter) => Parse(into, key, value, delimiter);

    /// <summary>Order and nesting of a finished list; see <see cref="ParseItem"/>.</summary>
    public static EquatableList<OfAction> Finish(List<ParsedAction> parsed)
    {
        ActionOrder.Verify(parsed, Nesting.None, allowInstructions: false);
        return new EquatableList<OfAction>(parsed.Count == 0 ? [new OfDrop()] : parsed.Select(p => p.Action));
    }

    private List<OfAction> ParseList(TextPiece text, Nesting outer, bool allowInstructions)
    {
        if (++_depth > MaxDepth) text.Fail("Action nested too deeply");
        var parsed = new List<ParsedAction>();
        TextPiece? drop = null;
        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece key, out TextPiece value))
        {
            if (key.IsIgnoreCase("drop")) drop = key;
            else Parse(parsed, key, value, reader.Delimiter);
        }

        if (drop is { } d && parsed.Count > 0) d.Fail("\"drop\" must not be accompanied by any other action or instruction");
        ActionOrder.Verify(parsed, outer, allowInstructions);
        _depth--;
        return [.. parsed.Select(p => p.Action)];
    }

    private EquatableList<OfAction> ParseNested(TextPiece text, Nesting outer)
    {
        ActionCheckState saved = _check;
        _check = saved.Nested(lenient: outer == Nesting.WriteActions);
        var list = new EquatableList<OfAction>(ParseList(text, outer, allowInstructions: false));
        _check = saved;
        return list;
    }

    private void Parse(List<ParsedAction> list, TextPiece key, TextPiece value, char delimiter)
    {
        string name = key.ToString().ToLowerInvariant();
        int before = list.Count;
        void Add(OfAction action) => list.Add(new ParsedAction(action, name, key));

        if (s_unsupported.Contains(name) || (!_takesLayers && name is ("encap" or "decap"))) key.Unsupported($"action {name} is not supported");
        if (TryFieldAction(name, key, value, Add) || TryForwardingAction(name, key, value, Add) || TryNiciraAction(name, key, value, Add)) return;
        switch (name)
        {
            case "ct":
                Add(ParseCt(key, value));
                break;
            case "ct_clear":
                Add(new OfCtClear());
                break;
            case "nat":
                ParseNat(key, value);
                key.Fail("Cannot have NAT action outside of \"ct\" action");
                break;
            case "conjunction":
                Add(ParseConjunction(value));
                break;
            case "note":
                Add(ParseNote(value));
                break;
            case "clear_actions":
                Add(new OfClearActions());
                break;
            case "write_actions":
                Add(new OfWriteActions(ParseNested(value, Nesting.WriteActions)));
                break;
            case "write_metadata":
                Add(ParseWriteMetadata(value));
                break;
            case "goto_table":
                Add(ParseGoto(key, value));
                break;
            case "apply_actions":
                key.Fail("apply_actions is the default instruction");
                break;
            default:
                if (!_ports.TryParse(key.Span, out uint port) || delimiter != '\0') key.Fail($"unknown action {key}");
                Add(Output(key, port, 0));
                break;
        }
    }

    private OfGotoTable ParseGoto(TextPiece key, TextPiece value)
    {
        byte? table = FlowTextParser.ParseTable(value, $"unknown table \"{value}\"");
        if (table is not { } t || (_check.ChecksTables && t <= _check.Table))
        {
            throw value.Error($"actions are invalid with specified match (OFPBIC_BAD_TABLE_ID): goto_table must go to a table after {_check.Table} and before 255");
        }

        return new OfGotoTable(t);
    }

    private static OfWriteMetadata ParseWriteMetadata(TextPiece value)
    {
        int slash = value.Span.IndexOf('/');
        return slash < 0
            ? new OfWriteMetadata(NumberText.UInt64(value), ulong.MaxValue)
            : new OfWriteMetadata(NumberText.UInt64(value.Slice(0, slash)), NumberText.UInt64(value.Slice(slash + 1)));
    }

    private static OfConjunction ParseConjunction(TextPiece text)
    {
        const string Syntax = "\"conjunction\" syntax is \"conjunction(id,i/n)\"";
        int comma = text.Span.IndexOf(',');
        int slash = text.Span.IndexOf('/');
        if (comma < 0 || slash < comma) text.Fail(Syntax);
        bool ok = NumberText.TryParse(text.Span[..comma].Trim(), uint.MaxValue, out UInt128 id);
        ok &= byte.TryParse(text.Span[(comma + 1)..slash].Trim(), out byte clause);
        ok &= byte.TryParse(text.Span[(slash + 1)..].Trim(), out byte count);
        if (!ok) text.Fail(Syntax);
        if (count < 2) text.Fail("conjunction must have at least 2 clauses");
        if (count > 64) text.Fail("conjunction must have at most 64 clauses");
        if (clause < 1) text.Fail("clause index must be positive");
        if (clause > count) text.Fail("clause index must be less than or equal to number of clauses");
        return new OfConjunction((uint)id, (byte)(clause - 1), count);
    }

    /// <summary>Pairs of hexadecimal digits, dots between them allowed; kept as OVS prints them.</summary>
    private static OfNote ParseNote(TextPiece text) => new(ParseHexPairs(text, "bad hex digit in `note' argument"));

    private static string ParseHexPairs(TextPiece text, string error)
    {
        var pairs = new List<string>();
        ReadOnlySpan<char> s = text.Span;
        for (int at = 0; at < s.Length; at += 2)
        {
            if (s[at] == '.') at++;
            if (at + 1 >= s.Length || !char.IsAsciiHexDigit(s[at]) || !char.IsAsciiHexDigit(s[at + 1])) text.Fail(error);
            pairs.Add(s.Slice(at, 2).ToString().ToLowerInvariant());
        }

        return string.Join('.', pairs);
    }
}
