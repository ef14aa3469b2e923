using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// The seam between merged rules and whatever executes them. Owned by the offload thread. Requests are asynchronous: each accepted one is
/// answered by one completion from <see cref="Poll"/>, unless the device loses it (the offload thread asks again after a time limit; a provider
/// must therefore accept a repeated request and answer it).
/// </summary>
public interface IOffloadProvider : IDisposable
{
    /// <summary>Short name, e.g. <c>soft</c>.</summary>
    string Name { get; }

    /// <summary>What it can do.</summary>
    OffloadCapabilities Capabilities { get; }

    /// <summary>
    /// By which rules are taken out of use before each is removed; null if the device has no such thing, then a revocation is not acknowledged
    /// before it is carried out. With gates <see cref="Destroy"/> never returns false, and no packet that comes after it uses the rule.
    /// </summary>
    RevocationGates? Gates { get; }

    /// <summary>Behind the closing of gates: on return no packet is under way that was there before, but those of packet threads.</summary>
    void WaitForUsers()
    {
    }

    /// <summary>Rules it holds now.</summary>
    int RuleCount { get; }

    /// <summary>Whether the device could ever hold the rule; None if so.</summary>
    OffloadReason Validate(MergedFlow rule, out string? detail);

    /// <summary>Asks for the rule. False: the request queue is full, ask later.</summary>
    bool Create(MergedFlow rule, long nowMs);

    /// <summary>Asks for the rule's end. False: the request queue is full, ask later.</summary>
    bool Destroy(MergedFlow rule, long nowMs);

    /// <summary>Reads a rule's counters; false if they are not known now.</summary>
    bool Query(MergedFlow rule, long nowMs, out OffloadCounters counters);

    /// <summary>Lets the device work up to <paramref name="nowMs"/> and fetches completions; returns how many.</summary>
    int Poll(Span<OffloadCompletion> completions, long nowMs);

    /// <summary>Drops lost completions and re-reads the device's state; what came of the open requests is reported by the next polls.</summary>
    void Resync(long nowMs);

    /// <summary>
    /// Waits until the requests under way have been carried out, but no longer than <paramref name="limitMs"/>; a simulated device's clock may run ahead of
    /// <paramref name="nowMs"/> by that. The next polls report them.
    /// </summary>
    void Drain(long nowMs, int limitMs);

    /// <summary>
    /// Takes the device out of the path: on return no packet uses a rule, whatever is in the tables. It does not need the request queue, and changes no
    /// rule; requests and counters go on.
    /// </summary>
    void Suspend();

    /// <summary>Undoes <see cref="Suspend"/>.</summary>
    void Resume();
}

/// <summary>What the code above the seam may know about a provider.</summary>
/// <param name="Capacity">Most rules; an estimate, the provider has the last word.</param>
/// <param name="KeepsConnections">Each hit goes through the connection (sequence check, expiry), so only what differs from one visit at the received length is credited.</param>
/// <param name="RevokesAtOnce">After <see cref="IOffloadProvider.Destroy"/> returns, no further packet uses the rule.</param>
/// <param name="HasTablePerPmd">Each packet thread has a table of rules of its own; else all packets meet the same rules.</param>
/// <param name="CounterLagMs">A query may be so far behind; a counter is complete when asked that much after the last hit.</param>
public sealed record OffloadCapabilities(int Capacity, bool KeepsConnections, bool RevokesAtOnce, bool HasTablePerPmd = false, int CounterLagMs = 0);

/// <summary>A provider's answer.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="RuleId"><see cref="MergedFlow.Id"/>.</param>
/// <param name="Reason">For failures.</param>
/// <param name="Detail">One line for people.</param>
/// <param name="Counters">For Destroyed and Lost.</param>
public readonly record struct OffloadCompletion(OffloadCompletionKind Kind, long RuleId, OffloadReason Reason, string? Detail, OffloadCounters Counters);

/// <summary>Kinds of <see cref="OffloadCompletion"/>.</summary>
public enum OffloadCompletionKind : byte
{
    /// <summary>The rule is in the device.</summary>
    Created,

    /// <summary>The rule is not in the device and never was.</summary>
    CreateFailed,

    /// <summary>The rule is gone; the counters are final.</summary>
    Destroyed,

    /// <summary>The rule is gone unasked (device reset, eviction by the device); the counters are the last that are known.</summary>
    Lost,
}

/// <summary>A rule's counters, monotone from 0 at creation.</summary>
/// <param name="Packets">Packets forwarded or dropped by the rule.</param>
/// <param name="Bytes">Their bytes as received.</param>
/// <param name="LastUsedMs">Time of the last one on the runtime's clock, -1 = never or unknown.</param>
public readonly record struct OffloadCounters(ulong Packets, ulong Bytes, long LastUsedMs);
