namespace Mergeflow.Perf;

/// <summary>Where two outputs part.</summary>
/// <param name="Port">Port on which it left.</param>
/// <param name="Index">Number of the output on that port, from 0.</param>
/// <param name="Event">Number of the frame that brought it about, from 0.</param>
/// <param name="What">What is wrong.</param>
public sealed record OutputDifference(uint Port, int Index, long Event, string What)
{
    private const int ShownBytes = 8;

    /// <summary>One line; with both frames it names the first byte that differs.</summary>
    public string Describe(byte[]? mine, byte[]? theirs)
    {
        string text = $"port {Port}: output {Index + 1} (from frame {Event + 1}) {What}";
        if (mine is null || theirs is null) return text;
        int at = mine.AsSpan().CommonPrefixLength(theirs);
        string length = mine.Length == theirs.Length ? $"{mine.Length} bytes" : $"{mine.Length} bytes against {theirs.Length}";
        return at == mine.Length && at == theirs.Length ? text : $"{text}: {length}, from byte {at}: {Hex(mine, at)} against {Hex(theirs, at)}";
    }

    private static string Hex(byte[] frame, int at) => at >= frame.Length ? "nothing" : Convert.ToHexStringLower(frame.AsSpan(at, Math.Min(ShownBytes, frame.Length - at)));
}
