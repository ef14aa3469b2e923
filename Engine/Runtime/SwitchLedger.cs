using Mergeflow.Engine.Ports;

namespace Mergeflow.Engine.Runtime;

/// <summary>Where the packets of a running switch are, at one moment between two batches: what came in by its ports and what packet threads took, what these sent and what left, and what is held.</summary>
/// <param name="Received">By ports: handed to packet threads.</param>
/// <param name="Taken">By packet threads, or a device before them.</param>
/// <param name="Sent">By packet threads: handed to ports.</param>
/// <param name="Left">By ports: sent, super-frames as one.</param>
/// <param name="LostAtPorts">Handed to a port and lost there, for a reason that the port counts.</param>
/// <param name="NoPort">Handed to a port that is not there.</param>
/// <param name="Held">In packet memory: fragments that wait for the rest of their datagram.</param>
/// <param name="LostBefore">Lost by ports before a packet thread had them, for a reason that the port counts; the kernel's drops among them.</param>
public sealed record SwitchLedger(ulong Received, ulong Taken, ulong Sent, ulong Left, ulong LostAtPorts, ulong NoPort, ulong Held, ulong LostBefore)
{
    /// <summary>Packets that came in and that nobody took.</summary>
    public long UnexplainedIn => (long)(Received - Taken);

    /// <summary>Packets that were sent, and neither left nor were counted as lost.</summary>
    public long UnexplainedOut => (long)(Sent - Left - LostAtPorts - NoPort);

    /// <summary>The same by packet threads.</summary>
    public IReadOnlyList<ThreadLedger> Threads { get; init; } = [];

    /// <summary>The same by ports that are there.</summary>
    public IReadOnlyList<PortLedger> Ports { get; init; } = [];

    /// <summary>Nothing is unexplained, of any port and any thread.</summary>
    public bool IsWhole => UnexplainedIn == 0 && UnexplainedOut == 0 && Threads.All(static t => t.Unexplained == 0) && Ports.All(static p => p is { UnexplainedIn: 0, UnexplainedOut: 0, IsLostByDevice: false });
}
