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
    /// before it is carried out. With gates, <see cref="OffloadCapabilities.RevokesAtOnce"/> is true and <see cref="Destroy"/> never returns false.
    /// </summary>
    RevocationGates? Gates { get; }

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
    /// Waits until the requests under way have been carried out; a simulated device's clock may run ahead of <paramref name="nowMs"/> for that.
    /// The next polls report them.
    /// </summary>
    void Drain(long nowMs);

    /// <summary>
    /// Takes the device out of the path: on return no packet uses a rule, whatever is in the tables. It does not need the request queue, and changes no
    /// rule; requests and counters go on.
    /// </summary>
    void Suspend();

    /// <summary>Undoes <see cref="Suspend"/>.</summary>
    void Resume();
}
