using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>Why a trace cannot become one rule.</summary>
/// <param name="Reason">Code.</param>
/// <param name="Pass">Pass of the trace, 0-based.</param>
/// <param name="Detail">Field or action.</param>
public readonly record struct MergeRefusal(OffloadReason Reason, int Pass, string Detail)
{
    /// <summary>One line, e.g. <c>UnsupportedAction(meter) in pass 1</c>.</summary>
    public override string ToString() => $"{Reason}({Detail}) in pass {Pass}";
}
