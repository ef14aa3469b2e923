namespace Mergeflow.Nic;

/// <summary>What a device can do and how fast. Immutable; see Nic/README.md for the JSON members.</summary>
public sealed partial record NicProfile
{
    /// <summary>Shown in tables and messages.</summary>
    public required string Name { get; init; }

    /// <summary>Items (headers) that may occur in a pattern, by testpmd name.</summary>
    public required IReadOnlySet<string> Items { get; init; }

    /// <summary>Indexed by <see cref="NicField"/>.</summary>
    public required IReadOnlyList<MatchSupport> Fields { get; init; }

    /// <summary>Actions by testpmd name; Exact = only whole fields can be written. An absent action is not supported.</summary>
    public required IReadOnlyDictionary<string, MatchSupport> Actions { get; init; }

    /// <summary>Most actions of a rule, those inside a sample included.</summary>
    public required int MaxActions { get; init; }

    /// <summary>VLAN tags that the parser takes off before it reads eth_type: 0, 1 or 2.</summary>
    public required int VlanTags { get; init; }

    /// <summary>Capacity of the exact-match table, all templates together.</summary>
    public required int ExactMatchEntries { get; init; }

    /// <summary>Most distinct masks in the exact-match table.</summary>
    public required int ExactMatchTemplates { get; init; }

    /// <summary>Capacity of the wildcard table.</summary>
    public required int WildcardRows { get; init; }

    /// <summary>Requests that may be under way.</summary>
    public required int QueueDepth { get; init; }

    /// <summary>Creates per second, 0 = as fast as they come.</summary>
    public required int InsertsPerSecond { get; init; }

    /// <summary>Time from the start of a create to its effect and completion.</summary>
    public required long InsertLatencyNs { get; init; }

    /// <summary>Destroys per second, 0 = as fast as they come.</summary>
    public required int DeletesPerSecond { get; init; }

    /// <summary>Time from the start of a destroy to its effect and completion.</summary>
    public required long DeleteLatencyNs { get; init; }

    /// <summary>Queries see the counters as they were at the last multiple of this; 0 = live.</summary>
    public required long CounterRefreshNs { get; init; }

    /// <summary>Whether IP and L4 checksums are verified on reception.</summary>
    public required bool VerifiesChecksums { get; init; }

    /// <summary>How <paramref name="field"/> can be matched.</summary>
    public MatchSupport Supports(NicField field) => Fields[(int)field];

    /// <summary>How an action can be used.</summary>
    public MatchSupport SupportsAction(string name) => Actions.GetValueOrDefault(name);
}

/// <summary>How much of a field the device can match or write.</summary>
public enum MatchSupport : byte
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>All of its bits or none of them.</summary>
    Exact,

    /// <summary>Any bits.</summary>
    Masked,
}
