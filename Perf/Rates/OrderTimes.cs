namespace Mergeflow.Perf;

/// <summary>What orders of one kind took, ns.</summary>
public sealed class OrderTimes
{
    /// <summary>From giving the order to its return.</summary>
    public LatencyHistogram All { get; } = new();

    /// <summary>Processor time of the thread that gave it.</summary>
    public LatencyHistogram Own { get; } = new();

    /// <summary>Of it, waiting for packet threads.</summary>
    public LatencyHistogram Waited { get; } = new();

    /// <summary>Time in which the thread that gave it could have run, and had no processor.</summary>
    public LatencyHistogram OwnDelay { get; } = new();

    /// <summary>The same of the packet thread for which it was longest.</summary>
    public LatencyHistogram PacketDelay { get; } = new();

    /// <summary>Processor time of a packet thread from the beginning of the poll in which it sees what it is asked for to the end of that in which it has done all of it.</summary>
    public LatencyHistogram OfPackets { get; } = new();

    /// <summary>Polls in which it did a part.</summary>
    public LatencyHistogram Calls { get; } = new();

    /// <summary>Times that packet threads were asked and waited for, of all orders.</summary>
    public long Rounds { get; set; }
}
