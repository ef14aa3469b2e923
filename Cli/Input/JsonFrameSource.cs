namespace Mergeflow.Cli;

/// <summary>Frames from JSON lines of which only <c>"i"</c> and <c>"hex"</c> are read; lines of another <c>"op"</c> than <c>pkt</c> are skipped.</summary>
public sealed class JsonFrameSource : IEventSource
{
    private readonly LineReader _lines;

    /// <param name="lines">Owned.</param>
    public JsonFrameSource(LineReader lines) => _lines = lines;

    public string Name => _lines.Name;

    public bool TryRead(ReplayEvent next)
    {
        while (_lines.TryRead(out ReadOnlySpan<byte> line))
        {
            if (line.Trim(" \t"u8).IsEmpty) continue;
            next.LineNumber = _lines.LineNumber;
            if (Parse(new JsonLine(line, Name, _lines.LineNumber), next)) return true;
        }
        return false;
    }

    public void Dispose() => _lines.Dispose();

    private static bool Parse(JsonLine json, ReplayEvent next)
    {
        bool hasIndex = false, hasHex = false, isPacket = true;
        json.StartObject();
        while (json.NextMember())
        {
            if (json.Is("i"u8)) (next.Index, hasIndex) = (json.Integer("i", long.MinValue, long.MaxValue), true);
            else if (json.Is("hex"u8)) (next.FrameSizeBytes, hasHex) = (json.Hex("hex", next), true);
            else if (json.Is("op"u8)) isPacket = json.Text("op") == "pkt";
            else json.SkipValue();
        }
        json.End();
        if (!isPacket) return false;
        json.Require(hasIndex, "i");
        json.Require(hasHex, "hex");
        return true;
    }
}
