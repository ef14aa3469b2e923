namespace Mergeflow.Nic;


/// <summary>A rule as the tables and the executor want it.</summary>
internal sealed class CompiledRule
{
    public NicKey Value;
    public NicKey Mask;

    /// <summary>Actions in order; a sample is followed by its own.</summary>
    public required NicOp[] Ops;

    /// <summary>A frame needs a TTL above this, or it goes to software.</summary>
    public byte MinTtl;

    /// <summary>Whether frames are counted.</summary>
    public bool Counts;

    public FlowTable Table;
}
