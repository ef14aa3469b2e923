using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>Turns a trace into one rule. The engine's own is <see cref="TraceMerger"/>; tests put wrong ones in its place to see that they are caught.</summary>
public interface ITraceMerger
{
    /// <summary>Why the last <see cref="TryMerge"/> returned false.</summary>
    MergeRefusal Refusal { get; }

    /// <summary>Merges <paramref name="trace"/> into <paramref name="rule"/>. False: see <see cref="Refusal"/>; the rule is then unchanged.</summary>
    bool TryMerge(Trace trace, MergedFlow rule);
}

/// <summary>Why a trace cannot become one rule.</summary>
/// <param name="Reason">Code.</param>
/// <param name="Pass">Pass of the trace, 0-based.</param>
/// <param name="Detail">Field or action.</param>
public readonly record struct MergeRefusal(OffloadReason Reason, int Pass, string Detail)
{
    /// <summary>One line, e.g. <c>UnsupportedAction(meter) in pass 1</c>.</summary>
    public override string ToString() => $"{Reason}({Detail}) in pass {Pass}";
}
