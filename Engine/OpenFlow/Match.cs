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
    public static bool Same(ref Match a, ref Match b)
        => a.Mask.Bytes.SequenceEqual(b.Mask.Bytes) && a.Value.Bytes.SequenceEqual(b.Value.Bytes);
}
