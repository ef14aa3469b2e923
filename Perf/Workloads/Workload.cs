namespace Mergeflow.Perf;

/// <summary>What a scenario replays: frames in order, the frames that set it up, and the OpenFlow rules.</summary>
/// <param name="Name">Name as in the peer's table, e.g. <c>s4_udp_10k_uni</c>.</param>
/// <param name="Frames">Replayed in a loop.</param>
/// <param name="Setup">Replayed once first; empty if there is none.</param>
/// <param name="Flows">ovs-ofctl text.</param>
/// <param name="MegaflowCount">Megaflows that the peer makes of it, 0 = unknown.</param>
public sealed record Workload(string Name, IReadOnlyList<byte[]> Frames, IReadOnlyList<byte[]> Setup, string Flows, int MegaflowCount = 0);
