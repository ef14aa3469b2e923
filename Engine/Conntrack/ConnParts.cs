namespace Mergeflow.Engine.Conntrack;

/// <summary>What the threads of one tracker have in common.</summary>
/// <param name="Memory">Where the parts reserve what they need.</param>
/// <param name="Table">Connections.</param>
/// <param name="Owners">The slots of each thread, those of control behind them.</param>
/// <param name="Sweep">The time of the sweep.</param>
/// <param name="Zones">Limits.</param>
/// <param name="Timeouts">Timeouts.</param>
/// <param name="Expectations">What control connections have announced.</param>
internal readonly record struct ConnParts(
    ConnMemory Memory, ConnTable Table, ConnSlots[] Owners, ConnSweep Sweep, ZoneLimits Zones, TimeoutPolicies Timeouts, Expectations Expectations);
