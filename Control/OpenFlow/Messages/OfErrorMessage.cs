namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_ERROR</c>.</summary>
public sealed record OfErrorMessage : OfMessage
{
    /// <summary>What is wrong: type, code, an experimenter's numbers, and the beginning of what was refused.</summary>
    public OfBytes Body = OfBytes.Empty;

    /// <summary>Says that a message was refused.</summary>
    /// <param name="error">Name of the error.</param>
    /// <param name="version">Version of the connection.</param>
    /// <param name="refused">What was refused; its beginning goes back.</param>
    public static OfErrorMessage Of(string error, OfVersion version, ReadOnlySpan<byte> refused)
    {
        var writer = new OfWriter(version);
        OfErrors.Write(writer, error);
        writer.Bytes(refused[..Math.Min(refused.Length, OfErrors.QuotedBytes)]);
        uint xid = refused.Length >= OfCodec.HeaderBytes ? OfCodec.XidOf(refused) : 0;
        return new OfErrorMessage { Kind = OfKind.Error, Xid = xid, Body = new OfBytes(writer.Written.ToArray()) };
    }

    /// <summary>Says why two sides cannot talk (OVS <c>ofperr_encode_hello</c>).</summary>
    public static OfErrorMessage InWords(string error, OfVersion version, string text)
    {
        var writer = new OfWriter(version);
        OfErrors.Write(writer, error);
        writer.Bytes(System.Text.Encoding.ASCII.GetBytes(text));
        return new OfErrorMessage { Kind = OfKind.Error, Xid = 0, Body = new OfBytes(writer.Written.ToArray()) };
    }

    /// <summary>Its name; null = unknown.</summary>
    public string? Name(OfVersion version) => OfErrors.NameOf(Body.Span, version);

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire) => wire.Rest(ref Body);
}
