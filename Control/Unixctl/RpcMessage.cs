using System.Text.Encodings.Web;
using System.Text.Json;

namespace Mergeflow.Control;

/// <summary>A message of JSON-RPC 1.0, as unixctl uses it: arguments, result and error are strings (OVS <c>struct jsonrpc_msg</c>).</summary>
/// <param name="Id">The <c>id</c> as it came, JSON; null when it is <c>null</c> or missing.</param>
public abstract record RpcMessage(string? Id)
{
    private static readonly JsonDocumentOptions s_reading = new() { MaxDepth = JsonTextCutter.MaxDepth };

    // As Open vSwitch writes it: only what JSON demands is escaped.
    private static readonly JsonWriterOptions s_writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads one object.</summary>
    /// <exception cref="UnixctlException">It is neither a request nor a reply.</exception>
    public static RpcMessage Parse(ReadOnlyMemory<byte> text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, s_reading);
            return Read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second one is a string that is no UTF-8, or has half of a surrogate pair.
            throw new UnixctlException("a message is not well-formed JSON");
        }
    }

    /// <summary>The message as it goes over the socket.</summary>
    public byte[] Write()
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes, s_writing))
        {
            json.WriteStartObject();
            json.WritePropertyName("id");
            if (Id is null) json.WriteNullValue();
            else json.WriteRawValue(Id);
            WriteMembers(json);
            json.WriteEndObject();
        }

        return bytes.ToArray();
    }

    private protected abstract void WriteMembers(Utf8JsonWriter json);

    private static RpcMessage Read(JsonElement root)
    {
        string? id = null, method = null, result = null, error = null;
        string?[]? parameters = null;
        bool hasResult = false, hasError = false;
        foreach (JsonProperty member in root.EnumerateObject())
        {
            JsonElement value = member.Value;
            switch (member.Name)
            {
                case "id":
                    id = value.ValueKind == JsonValueKind.Null ? null : value.GetRawText();
                    break;
                case "method" when value.ValueKind == JsonValueKind.String:
                    method = value.GetString();
                    break;
                case "params" when value.ValueKind == JsonValueKind.Array:
                    parameters = [.. value.EnumerateArray().Select(static p => p.ValueKind == JsonValueKind.String ? p.GetString() : null)];
                    break;
                case "result":
                    (hasResult, result) = (true, TextOf(value));
                    break;
                case "error":
                    (hasError, error) = (true, TextOf(value));
                    break;
                default:
                    throw new UnixctlException($"a message has no member \"{Short(member.Name)}\" of this kind");
            }
        }

        if (method is not null && parameters is not null && id is not null && !hasResult && !hasError) return new RpcRequest(id, method, parameters);
        if (method is null && parameters is null && hasResult && hasError && result is null != error is null) return new RpcReply(id, result, error);
        throw new UnixctlException("a message is neither a request nor a reply");
    }

    private static string? TextOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.String => value.GetString(),
        _ => value.GetRawText(),
    };

    private static string Short(string name) => name.Length <= 32 ? name : name[..32];
}

/// <summary>Asks for a command.</summary>
/// <param name="Id">Comes back in the reply.</param>
/// <param name="Method">Name of the command.</param>
/// <param name="Parameters">Its arguments; null stands for one that is no string.</param>
public sealed record RpcRequest(string Id, string Method, IReadOnlyList<string?> Parameters) : RpcMessage(Id)
{
    private protected override void WriteMembers(Utf8JsonWriter json)
    {
        json.WriteString("method", Method);
        json.WriteStartArray("params");
        foreach (string? parameter in Parameters) json.WriteStringValue(parameter);
        json.WriteEndArray();
    }
}

/// <summary>What became of a command: one of both is there.</summary>
/// <param name="Id">That of the request.</param>
/// <param name="Result">Its text.</param>
/// <param name="Error">Why there is none.</param>
public sealed record RpcReply(string? Id, string? Result, string? Error) : RpcMessage(Id)
{
    private protected override void WriteMembers(Utf8JsonWriter json)
    {
        json.WriteString("result", Result);
        json.WriteString("error", Error);
    }
}
