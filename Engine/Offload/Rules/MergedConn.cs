namespace Mergeflow.Engine.Offload;

/// <summary>One distinct connection and direction of a merged rule, and how a packet of the rule counts for it.</summary>
public struct MergedConn
{
    public int ConnId;

    /// <summary>Generation that the rule was merged from.</summary>
    public uint Generation;

    public bool Reply;

    /// <summary>Times one packet passes <c>ct</c> with this connection.</summary>
    public int Multiplicity;

    /// <summary>Sum over the visits of (length at <c>ct</c> - original length), in bytes per packet.</summary>
    public int LengthDeltaBytes;
}
