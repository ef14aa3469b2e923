namespace Mergeflow.Engine.OpenFlow;

/// <summary>What tables have cost so far, counted in rules rather than in time. Approximate where several threads translate.</summary>
public sealed class PipelineWork
{
    /// <summary>Rules whose place in a searchable table was computed.</summary>
    public ulong RulesIndexed { get; internal set; }

    /// <summary>Rules that a lookup compared with a packet, be it to find one or to rule it out.</summary>
    public ulong RulesCompared { get; internal set; }

    /// <summary>Rules that a modification looked at.</summary>
    public ulong RulesVisited { get; internal set; }

    /// <summary>Translations.</summary>
    public ulong Translations { get; internal set; }
}
