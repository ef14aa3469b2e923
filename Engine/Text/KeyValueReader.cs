namespace Mergeflow.Engine.Text;

/// <summary>
/// Walks <c>key</c>, <c>key=value</c>, <c>key:value</c> and <c>key(value)</c> items that are separated by commas or spaces
/// (OVS <c>ofputil_parse_key_value</c>). Parentheses nest; <c>key(a)-&gt;b</c> yields the value <c>a)-&gt;b</c>.
/// </summary>
internal ref struct KeyValueReader(TextPiece text)
{
    private readonly TextPiece _text = text;
    private int _at;

    /// <summary>What stood between key and value: ':', '=', '(' or '\0'.</summary>
    public char Delimiter { get; private set; }

    /// <summary>Reads the next item; false at the end.</summary>
    public bool Next(out TextPiece key, out TextPiece value)
    {
        ReadOnlySpan<char> s = _text.Span;
        while (_at < s.Length && IsSeparator(s[_at])) _at++;
        int keyStart = _at;
        while (_at < s.Length && !IsSeparator(s[_at]) && s[_at] is not (':' or '=' or '(')) _at++;
        key = _text.Slice(keyStart, _at - keyStart);
        value = _text.Slice(_at, 0);
        if (keyStart == s.Length) return false;

        Delimiter = _at < s.Length && !IsSeparator(s[_at]) ? s[_at] : '\0';
        if (Delimiter == '\0') return true;
        int valueStart = ++_at;
        if (Delimiter == '(')
        {
            SkipUntil(")");
            if (_at == s.Length) _text.Slice(valueStart - 1).Fail($"{key}: missing `)'");
            if (s[_at..].StartsWith(")->")) SkipUntil(", \t\r\n");
            value = _text.Slice(valueStart, _at - valueStart);
            if (_at < s.Length) _at++;
            return true;
        }

        SkipUntil(", \t\r\n");
        value = _text.Slice(valueStart, _at - valueStart);
        return true;
    }

    private void SkipUntil(ReadOnlySpan<char> delimiters)
    {
        ReadOnlySpan<char> s = _text.Span;
        while (_at < s.Length && !delimiters.Contains(s[_at]))
        {
            if (s[_at] != '(')
            {
                _at++;
                continue;
            }

            int open = _at;
            int level = 0;
            do
            {
                if (_at == s.Length) _text.Slice(open).Fail("missing `)'");
                if (s[_at] == '(') level++;
                if (s[_at] == ')') level--;
                _at++;
            }
            while (level > 0);
        }
    }

    private static bool IsSeparator(char c) => c == ',' || TextPiece.IsSpace(c);
}
