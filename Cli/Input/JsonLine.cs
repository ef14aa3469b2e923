using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Mergeflow.Cli;

/// <summary>Reads one JSON object from one line; every error names the file, the line and, where JSON itself is broken, the column.</summary>
public ref struct JsonLine
{
    private static readonly SearchValues<byte> s_hexDigits = SearchValues.Create("0123456789abcdefABCDEF"u8);

    private readonly string _name;
    private readonly int _lineNumber;
    private Utf8JsonReader _reader;

    public JsonLine(ReadOnlySpan<byte> line, string name, int lineNumber)
    {
        _reader = new Utf8JsonReader(line);
        (_name, _lineNumber) = (name, lineNumber);
    }

    /// <summary>Ends the command: this line cannot be parsed.</summary>
    [DoesNotReturn]
    public readonly void Throw(string what) => CommandFailedException.ThrowBadInput(_name, _lineNumber, what);

    public void StartObject()
    {
        Read();
        if (_reader.TokenType != JsonTokenType.StartObject) Throw("expected a JSON object");
    }

    /// <summary>Moves to the next member's name; false at the closing brace.</summary>
    public bool NextMember()
    {
        Read();
        return _reader.TokenType == JsonTokenType.PropertyName;
    }

    /// <summary>Is the current member's name <paramref name="name"/>?</summary>
    public readonly bool Is(ReadOnlySpan<byte> name) => _reader.ValueTextEquals(name);

    public void SkipValue()
    {
        Read();
        try
        {
            _reader.Skip();
        }
        catch (JsonException e)
        {
            ThrowNotJson(e);
        }
    }

    /// <summary>The member's value, an integer between the bounds.</summary>
    public long Integer(string name, long min, long max)
    {
        Read();
        if (_reader.TokenType != JsonTokenType.Number || !_reader.TryGetInt64(out long value))
        {
            ThrowType(name, "an integer");
            return 0;
        }
        if (value < min || value > max) Throw($"\"{name}\": {value} is out of range");
        return value;
    }

    /// <summary>The member's value, a string.</summary>
    public string Text(string name)
    {
        Read();
        if (_reader.TokenType != JsonTokenType.String) ThrowType(name, "a string");
        return CurrentString(name);
    }

    /// <summary>Appends the member's strings; returns how many.</summary>
    public int Strings(string name, List<string> to)
    {
        Read();
        to.Clear();
        if (_reader.TokenType != JsonTokenType.StartArray) ThrowType(name, "an array of strings");
        while (true)
        {
            Read();
            if (_reader.TokenType == JsonTokenType.EndArray) return to.Count;
            if (_reader.TokenType != JsonTokenType.String) ThrowType(name, "an array of strings");
            to.Add(CurrentString(name));
        }
    }

    /// <summary>Decodes the member's hex string into the event's frame; returns the size in bytes.</summary>
    public int Hex(string name, ReplayEvent frameOwner)
    {
        Read();
        if (_reader.TokenType != JsonTokenType.String) ThrowType(name, "a string");
        ReadOnlySpan<byte> digits = _reader.ValueIsEscaped ? System.Text.Encoding.UTF8.GetBytes(CurrentString(name)) : _reader.ValueSpan;
        if (digits.Length % 2 != 0) Throw($"\"{name}\" has an odd number of digits, {digits.Length}");
        Span<byte> frame = frameOwner.ReserveFrame(digits.Length / 2);
        if (Convert.FromHexString(digits, frame, out _, out _) != OperationStatus.Done)
            Throw($"\"{name}\": digit {digits.IndexOfAnyExcept(s_hexDigits) + 1} is not hexadecimal");
        return digits.Length / 2;
    }

    /// <summary>Requires that nothing follows the object.</summary>
    public void End()
    {
        try
        {
            while (_reader.Read()) Throw("text follows the JSON object");
        }
        catch (JsonException e)
        {
            ThrowNotJson(e);
        }
    }

    public readonly void Require(bool present, string name)
    {
        if (!present) Throw($"member \"{name}\" is missing");
    }

    private string CurrentString(string name)
    {
        try
        {
            return _reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            Throw($"\"{name}\" is not valid UTF-8");
            return "";
        }
    }

    private void Read()
    {
        try
        {
            if (!_reader.Read()) Throw("not JSON: the line ends too early");
        }
        catch (JsonException e)
        {
            ThrowNotJson(e);
        }
    }

    [DoesNotReturn]
    private readonly void ThrowType(string name, string expected)
    {
        string found = _reader.TokenType switch
        {
            JsonTokenType.String => "a string",
            JsonTokenType.Number => expected == "an integer" ? "another number" : "a number",
            JsonTokenType.True or JsonTokenType.False => "true or false",
            JsonTokenType.Null => "null",
            JsonTokenType.StartArray => "an array",
            _ => "an object",
        };
        Throw($"\"{name}\": expected {expected}, found {found}");
    }

    [DoesNotReturn]
    private readonly void ThrowNotJson(JsonException e)
    {
        int cut = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        Throw($"not JSON: column {e.BytePositionInLine + 1}: {(cut < 0 ? e.Message : e.Message[..cut])}");
    }
}
