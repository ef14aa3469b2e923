namespace Mergeflow.Engine.OpenFlow;

/// <summary>What a table of learned addresses has seen (OVS <c>fdb/stats-show</c>).</summary>
public record struct MacStatistics
{
    /// <summary>Addresses that are known.</summary>
    public int Count { get; set; }

    /// <summary>Room for addresses.</summary>
    public int Capacity { get; set; }

    /// <summary>Addresses that somebody has set.</summary>
    public int StaticCount { get; set; }

    /// <summary>Addresses that were learned.</summary>
    public ulong Learned { get; set; }

    /// <summary>Addresses that were not seen for too long.</summary>
    public ulong Expired { get; set; }

    /// <summary>Addresses that had to make room.</summary>
    public ulong Evicted { get; set; }

    /// <summary>Addresses that were seen at another port.</summary>
    public ulong Moved { get; set; }

    /// <summary>Addresses that are set and were seen at another port, where they stayed.</summary>
    public ulong StaticNotMoved { get; set; }
}
