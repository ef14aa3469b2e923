using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Mergeflow.Nic;


/// <summary>A JSON value that knows its line and path, so that every complaint about it can name the place.</summary>
internal sealed class ConfigValue
{
    private readonly string _source;
    private readonly JsonTokenType _kind;
    private readonly string _text = "";
    private readonly Dictionary<string, ConfigValue> _members = [];
    private readonly List<ConfigValue> _items = [];

    private ConfigValue(string source, string path, ref Utf8JsonReader reader, ReadOnlySpan<byte> utf8)
    {
        _source = source;
        Path = path;
        _kind = reader.TokenType;
        Line = 1 + utf8[..(int)reader.TokenStartIndex].Count((byte)'\n');
        switch (_kind)
        {
            case JsonTokenType.StartObject:
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    string name = reader.GetString()!;
                    int line = 1 + utf8[..(int)reader.TokenStartIndex].Count((byte)'\n');
                    string memberPath = path.Length == 0 ? name : $"{path}.{name}";
                    reader.Read();
                    if (!_members.TryAdd(name, new ConfigValue(source, memberPath, ref reader, utf8)))
                    {
                        throw new NicConfigException(source, memberPath, line, "given twice");
                    }
                }
                break;
            case JsonTokenType.StartArray:
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    _items.Add(new ConfigValue(source, $"{path}[{_items.Count}]", ref reader, utf8));
                }
                break;
            case JsonTokenType.String:
                _text = reader.GetString()!;
                break;
            default:
                _text = Encoding.UTF8.GetString(reader.ValueSpan);
                break;
        }
    }

    /// <summary>E.g. <c>exactMatch.entries</c>.</summary>
    public string Path { get; }

    /// <summary>Line of the value, from 1.</summary>
    public int Line { get; }

    /// <summary>Parses a text whose root is an object. Throws <see cref="NicConfigException"/>.</summary>
    public static ConfigValue Parse(string source, ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 16 });
        try
        {
            reader.Read();
            var root = new ConfigValue(source, "", ref reader, utf8);
            reader.Read();
            if (root._kind != JsonTokenType.StartObject) root.Fail("expected an object");
            return root;
        }
        catch (JsonException e)
        {
            throw new NicConfigException(source, "", (int)(e.LineNumber ?? 0) + 1, $"not JSON, near byte {e.BytePositionInLine ?? 0} of the line");
        }
        catch (InvalidOperationException)
        {
            throw new NicConfigException(source, "", 0, "not JSON: invalid UTF-8 text");
        }
    }

    /// <summary>Member <paramref name="name"/> of an object, null if absent.</summary>
    public ConfigValue? Find(string name)
    {
        RequireObject();
        return _members.GetValueOrDefault(name);
    }

    /// <summary>Member that must be there.</summary>
    public ConfigValue Get(string name)
    {
        ConfigValue? v = Find(name);
        if (v is null) Fail($"member '{name}' is missing");
        return v;
    }

    /// <summary>All members of an object.</summary>
    public IReadOnlyDictionary<string, ConfigValue> Members()
    {
        RequireObject();
        return _members;
    }

    /// <summary>All elements of an array.</summary>
    public IReadOnlyList<ConfigValue> Elements()
    {
        if (_kind != JsonTokenType.StartArray) Fail("expected an array");
        return _items;
    }

    /// <summary>Refuses members that are not in <paramref name="known"/>.</summary>
    public void RejectUnknown(params ReadOnlySpan<string> known)
    {
        RequireObject();
        foreach ((string name, ConfigValue value) in _members)
        {
            if (!known.Contains(name)) value.Fail($"unknown member; known here: {string.Join(", ", known!)}");
        }
    }

    /// <summary>A whole number in a range.</summary>
    public long Integer(long min, long max)
    {
        if (_kind != JsonTokenType.Number || !long.TryParse(_text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long v) || v < min || v > max)
        {
            Fail($"expected a whole number from {min} to {max}, got {Shown()}");
            return 0;
        }
        return v;
    }

    /// <summary>A number in a range.</summary>
    public double Fraction(double min, double max)
    {
        if (_kind != JsonTokenType.Number || !double.TryParse(_text, NumberStyles.Float, CultureInfo.InvariantCulture, out double v) || !(v >= min && v <= max))
        {
            Fail(string.Create(CultureInfo.InvariantCulture, $"expected a number from {min} to {max}, got {Shown()}"));
            return 0;
        }
        return v;
    }

    /// <summary>A string.</summary>
    public string Text()
    {
        if (_kind != JsonTokenType.String) Fail($"expected a string, got {Shown()}");
        return _text;
    }

    /// <summary>true or false.</summary>
    public bool Flag()
    {
        if (_kind is not (JsonTokenType.True or JsonTokenType.False)) Fail($"expected true or false, got {Shown()}");
        return _kind == JsonTokenType.True;
    }

    /// <summary>Complains about this value.</summary>
    [DoesNotReturn]
    public void Fail(string problem) => throw new NicConfigException(_source, Path, Line, problem);

    private void RequireObject()
    {
        if (_kind != JsonTokenType.StartObject) Fail("expected an object");
    }

    private string Shown() => _kind switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => $"'{_text}'",
        _ => _text,
    };
}
