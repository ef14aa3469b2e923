using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>An OpenFlow match: a value and a mask; value bits outside the mask are zero (OVS <c>struct match</c>).</summary>
public struct Match
{
    /// <summary>Wanted bits.</summary>
    public PipelineFlow Value;

    /// <summary>Which bits matter.</summary>
    public PipelineFlow Mask;

    /// <summary>True if both masks and both values are the same: a key's identity is mask and value together.</summary>
    public static bool Same(ref readonly Match a, ref readonly Match b)
        => PipelineFlow.BytesOf(in a.Mask).SequenceEqual(PipelineFlow.BytesOf(in b.Mask)) && PipelineFlow.BytesOf(in a.Value).SequenceEqual(PipelineFlow.BytesOf(in b.Value));
}
