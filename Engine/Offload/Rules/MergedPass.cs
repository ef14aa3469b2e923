namespace Mergeflow.Engine.Offload;

/// <summary>One distinct megaflow of a merged rule, and how a packet of the rule counts for it.</summary>
public struct MergedPass
{
    public int MegaflowId;

    /// <summary>Generation that the rule was merged from.</summary>
    public uint Generation;

    /// <summary>Times one packet visits the megaflow.</summary>
    public int Multiplicity;

    /// <summary>Sum over the visits of (length in that pass - original length), in bytes per packet.</summary>
    public int LengthDeltaBytes;
}
