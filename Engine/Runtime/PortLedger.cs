using Mergeflow.Engine.Ports;

namespace Mergeflow.Engine.Runtime;

/// <summary>Where the packets of one port are, at one moment between two batches.</summary>
/// <param name="Number">OpenFlow number.</param>
/// <param name="Name">Name in the switch.</param>
/// <param name="Counted">What the port has counted.</param>
public sealed record PortLedger(uint Number, string Name, PortStatistics Counted)
{
    private const ulong OneIn = 1_000_000;

    /// <summary>What each packet thread has taken of it.</summary>
    public required IReadOnlyList<ulong> Taken { get; init; }

    /// <summary>Of these, dropped by packet threads.</summary>
    public required ulong Dropped { get; init; }

    /// <summary>Handed to it by packet threads.</summary>
    public required ulong Sent { get; init; }

    /// <summary>Frames that its device has received and nobody has counted, those on their way among them; null = nothing can be said.</summary>
    public long? Uncounted { get; init; }

    /// <summary>While that was looked at again and again nothing came.</summary>
    public bool IsQuiet { get; init; }

    /// <summary>Handed to packet threads.</summary>
    public ulong Received => Counted.RxPackets - Counted.ByKernel.RxPackets;

    /// <summary>Sent, super-frames as one.</summary>
    public ulong Left => Counted.TxPackets - Counted.TxCut - Counted.ByKernel.TxPackets;

    /// <summary>Packets that came in and that no thread took.</summary>
    public long UnexplainedIn => (long)(Received - Taken.Aggregate(0ul, static (sum, n) => sum + n));

    /// <summary>Packets that were sent, and neither left nor were counted as lost.</summary>
    public long UnexplainedOut => (long)(Sent - Left - Counted.TxDropped);

    /// <summary>More than one frame in a million is missing between device and port, and none is on its way any more.</summary>
    public bool IsLostByDevice => IsQuiet && (ulong)Math.Abs(Uncounted ?? 0) * OneIn > Received;
}
