namespace Mergeflow.Perf;

/// <summary>What a scenario replays: frames in order, the frames that set it up, and the OpenFlow rules.</summary>
/// <param name="Name">Name as in the peer's table, e.g. <c>s4_udp_10k_uni</c>.</param>
/// <param name="Frames">Replayed in a loop.</param>
/// <param name="Setup">Replayed once first; empty if there is none.</param>
/// <param name="Flows">ovs-ofctl text.</param>
/// <param name="MegaflowCount">Megaflows that the peer makes of it, 0 = unknown.</param>
public sealed record Workload(string Name, IReadOnlyList<byte[]> Frames, IReadOnlyList<byte[]> Setup, string Flows, int MegaflowCount = 0)
{
    /// <summary>Groups, ovs-ofctl text; empty if there are none.</summary>
    public string Groups { get; init; } = "";

    /// <summary>Port on which each of <see cref="Frames"/> arrives; null = port 1 for all.</summary>
    public IReadOnlyList<uint>? InPorts { get; init; }

    /// <summary>When each of <see cref="Frames"/> was captured, ms, never decreasing; null = no clock of its own.</summary>
    public IReadOnlyList<long>? TimesMs { get; init; }

    /// <summary>Connections that the frames open and close; 0 if that is not what they are about.</summary>
    public int ConnectionCount { get; init; }

    /// <summary>Ports 1..PortCount exist.</summary>
    public int PortCount { get; init; } = 4;

    /// <summary>Where the frames of a capture arrive, in words; empty if there is nothing to say.</summary>
    public string Arrival { get; init; } = "";

    /// <summary>Sentences about the frames that a reader has to know.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Name of the flows in messages.</summary>
    public string FlowsName { get; init; } = "flows";
}
