using System.Text.Json;

namespace Mergeflow.Control.Ovsdb;

/// <summary>A message of JSON-RPC 1.0, as OVSDB uses it (RFC 7047 section 4, OVS <c>struct jsonrpc_msg</c>).</summary>
public abstract record OvsdbMessage
{
    private protected static readonly JsonElement Null = OvsdbJson.Make(static json => json.WriteNullValue());

    /// <summary>Reads one object.</summary>
    /// <exception cref="OvsdbException">It is no message.</exception>
    public static OvsdbMessage Parse(ReadOnlyMemory<byte> text)
    {
        JsonElement id = Null, result = Null, error = Null;
        JsonElement? parameters = null;
        string? method = null;
        bool isReply = false;
        foreach ((string name, JsonElement value) in OvsdbJson.Members(OvsdbJson.Parse(text)))
        {
            switch (name)
            {
                case "id":
                    id = value;
                    break;
                case "method":
                    method = OvsdbJson.Text(value);
                    break;
                case "params":
                    parameters = value.ValueKind == JsonValueKind.Array ? value : throw new OvsdbException("\"params\" is no array");
                    break;
                case "result":
                    (isReply, result) = (true, value);
                    break;
                case "error":
                    (isReply, error) = (true, value);
                    break;
                default:
                    throw new OvsdbException("a message has a member that is not known");
            }
        }

        bool hasId = id.ValueKind != JsonValueKind.Null;
        if (method is not null && parameters is { } given && !isReply) return hasId ? new OvsdbRequest(id, method, given) : new OvsdbNotification(method, given);
        if (method is null && parameters is null && isReply && hasId && (result.ValueKind == JsonValueKind.Null || error.ValueKind == JsonValueKind.Null)) return new OvsdbReply(id, result, error);
        throw new OvsdbException("a message is neither request nor notification nor reply");
    }

    /// <summary>The message as it goes over the socket.</summary>
    public byte[] Write() => OvsdbJson.Write(json =>
    {
        json.WriteStartObject();
        WriteMembers(json);
        json.WriteEndObject();
    });

    private protected abstract void WriteMembers(Utf8JsonWriter json);

    private protected static void Write(Utf8JsonWriter json, string name, JsonElement value)
    {
        // As it came: half of a surrogate pair cannot be written anew.
        json.WritePropertyName(name);
        json.WriteRawValue(value.GetRawText(), skipInputValidation: true);
    }
}

/// <summary>Asks for something.</summary>
/// <param name="Id">Comes back in the reply; any JSON but null.</param>
/// <param name="Method">What is asked for.</param>
/// <param name="Params">An array.</param>
public sealed record OvsdbRequest(JsonElement Id, string Method, JsonElement Params) : OvsdbMessage
{
    private protected override void WriteMembers(Utf8JsonWriter json)
    {
        Write(json, "id", Id);
        json.WriteString("method", Method);
        Write(json, "params", Params);
    }
}

/// <summary>Tells something; there is no reply.</summary>
/// <param name="Method">What it is about.</param>
/// <param name="Params">An array.</param>
public sealed record OvsdbNotification(string Method, JsonElement Params) : OvsdbMessage
{
    private protected override void WriteMembers(Utf8JsonWriter json)
    {
        json.WriteNull("id");
        json.WriteString("method", Method);
        Write(json, "params", Params);
    }
}

/// <summary>What became of a request.</summary>
/// <param name="Id">That of the request.</param>
/// <param name="Result">JSON; null with an error.</param>
/// <param name="Error">Null = none.</param>
public sealed record OvsdbReply(JsonElement Id, JsonElement Result, JsonElement Error) : OvsdbMessage
{
    /// <summary>It was refused.</summary>
    public bool IsError => Error.ValueKind != JsonValueKind.Null;

    private protected override void WriteMembers(Utf8JsonWriter json)
    {
        Write(json, "id", Id);
        Write(json, "result", Result);
        Write(json, "error", Error);
    }
}
