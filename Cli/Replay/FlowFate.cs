using System.Runtime.InteropServices;

namespace Mergeflow.Cli;

/// <summary>One flow of a replay (in_port, addresses, protocol, ports) and what became of its packets.</summary>
/// <param name="Key">The fields that tell flows apart, the others zero.</param>
public sealed record FlowFate(FlowKey Key)
{
    private readonly List<FlowReason> _reasons = [];

    /// <summary>Packets and bytes that arrived.</summary>
    public BookTotals Received { get; internal set; }

    /// <summary>Of these, those that made the rule.</summary>
    public BookTotals MadeRule { get; internal set; }

    /// <summary>Reasons of those that were not offloaded, <see cref="OffloadReason.AlreadyOffloaded"/> among them.</summary>
    public IReadOnlyList<FlowReason> Reasons => _reasons;

    /// <summary>Those that a merged rule took.</summary>
    public BookTotals Offloaded => Received - MadeRule - _reasons.Aggregate(default(BookTotals), static (sum, r) => sum + r.Lost);

    /// <summary>As <c>ovs-ofctl</c> would match it.</summary>
    public string Text => FlowKeyText.Of(Key);

    internal void Add(OffloadReason reason, BookTotals packet, int pass, string? detail, long nowMs)
    {
        int i = _reasons.FindIndex(r => r.Reason == reason);
        if (i < 0)
        {
            _reasons.Add(new FlowReason(reason, default, pass, detail, nowMs));
            i = _reasons.Count - 1;
        }

        ref FlowReason r = ref CollectionsMarshal.AsSpan(_reasons)[i];
        r = r with { Lost = r.Lost + packet, Pass = pass < 0 ? r.Pass : pass, Detail = pass < 0 ? r.Detail : detail, LastMs = nowMs };
    }
}

/// <summary>One reason of one flow.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Lost">Packets and bytes.</param>
/// <param name="Pass">In which pass, of the latest packet that was looked at; -1 if none was.</param>
/// <param name="Detail">Field or action, or null.</param>
/// <param name="LastMs">When, the last time.</param>
public readonly record struct FlowReason(OffloadReason Reason, BookTotals Lost, int Pass, string? Detail, long LastMs);
