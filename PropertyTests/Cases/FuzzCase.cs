namespace Mergeflow.PropertyTests;

/// <summary>A whole experiment: ports, rules and input. Everything is text or bytes, so a case can be shrunk, written down and replayed.</summary>
internal sealed record FuzzCase(string Name, IReadOnlyList<uint> Ports, IReadOnlyList<string> Flows, IReadOnlyList<string> Groups, IReadOnlyList<FuzzEvent> Events)
{
    /// <summary>Conntrack checks TCP sequence numbers; off for runs that a NIC takes part in.</summary>
    public bool ChecksSequence { get; init; } = true;

    /// <summary>Lookups read what Open vSwitch's do. One way per case: what <c>normal</c> has learned shows earlier where megaflows are narrower.</summary>
    public bool ReadsStaged { get; init; }

    /// <summary>
    /// Some rule has the action <c>normal</c> or <c>learn</c>. What two packets teach about one address, or of one match, is decided by the order in which they are counted, where only cached
    /// decisions have seen them.
    /// </summary>
    public bool Learns => Flows.Concat(Groups).Any(static l => l.Contains("normal", StringComparison.OrdinalIgnoreCase) || l.Contains("learn(", StringComparison.OrdinalIgnoreCase));

    /// <summary>Smallest fragment that conntrack accepts, IPv4 and IPv6, in bytes.</summary>
    public (int V4, int V6) MinFragmentBytes { get; init; } = (1200, 1280);

    /// <summary>Tunnel ports: number and options.</summary>
    public IReadOnlyList<(uint Port, string Options)> Tunnels { get; init; } = [];

    /// <summary>Meters as in <c>ovs-ofctl add-meters</c>.</summary>
    public IReadOnlyList<string> Meters { get; init; } = [];

    /// <summary>Knows the ports p1 to p16 by name, as recorded cases call them.</summary>
    public static FlowTextParser Parser { get; } = new(new PortNames(Enumerable.Range(1, 16).ToDictionary(n => $"p{n}", n => (uint)n)));

    public IReadOnlyList<FlowMod> ParseFlows() => [.. Flows.Select(l => Parser.ParseFlow(l))];

    public IReadOnlyList<MeterMod> ParseMeters() => [.. Meters.SelectMany(FlowTextParser.ParseMeters)];

    public IReadOnlyList<GroupMod> ParseGroups() => [.. Groups.Select(l => Parser.ParseGroup(l))];

    /// <summary>
    /// The case with rules that stay. Counters that cannot be read when a rule changes are booked for the changed rule, as on any device: whose they
    /// are can only be compared without changes.
    /// </summary>
    public FuzzCase WithoutModifications() => this with { Events = [.. Events.Where(e => e.Op is not (FuzzOp.FlowMods or FuzzOp.GroupMod or FuzzOp.MeterMods))] };

    /// <summary>What FsCheck prints.</summary>
    public override string ToString() => $"{Name}: {Flows.Count} flows, {Groups.Count} groups, {Events.Count} events";
}
