namespace Mergeflow.PropertyTests;

/// <summary>Everything that can be observed of a run.</summary>
internal sealed class RunResult
{
    /// <summary>Per event: <c>port:hex</c>, in order within a port.</summary>
    public required IReadOnlyList<IReadOnlyList<string>> Outputs { get; init; }

    /// <summary>Packets and bytes by cookie.</summary>
    public required IReadOnlyDictionary<ulong, (ulong Packets, ulong Bytes)> Rules { get; init; }

    /// <summary>Connections as text, with their timeouts in seconds.</summary>
    public required IReadOnlyDictionary<string, long> Connections { get; init; }

    /// <summary>Packets per direction of each connection; empty if the run does not know.</summary>
    public IReadOnlyDictionary<string, string> ConnectionCounters { get; init; } = new Dictionary<string, string>();

    /// <summary>Packets and bytes sent per port, as text.</summary>
    public IReadOnlyDictionary<uint, string> Ports { get; init; } = new Dictionary<uint, string>();

    /// <summary>Moments at which the books of the offload did not agree.</summary>
    public IReadOnlyList<string> Drifts { get; init; } = [];

    /// <summary>Merged rules that outlived the rules and connections they were made of.</summary>
    public int RulesLeft { get; init; }

    /// <summary>Why the run says nothing from some event on; null = it is whole.</summary>
    public string? Ambiguity { get; init; }

    /// <summary>First event that <see cref="Ambiguity"/> touches.</summary>
    public int AmbiguousFrom { get; init; } = int.MaxValue;

    /// <summary>Sums counters of rules with the same cookie.</summary>
    public static Dictionary<ulong, (ulong Packets, ulong Bytes)> ByCookie(IEnumerable<(ulong Cookie, ulong Packets, ulong Bytes)> rules)
    {
        Dictionary<ulong, (ulong, ulong)> sums = [];
        foreach ((ulong cookie, ulong packets, ulong bytes) in rules)
        {
            (ulong p, ulong b) = sums.GetValueOrDefault(cookie);
            sums[cookie] = (p + packets, b + bytes);
        }

        return sums;
    }

    public RunStatistics Statistics { get; init; } = new();
}
