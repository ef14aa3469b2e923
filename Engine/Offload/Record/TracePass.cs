namespace Mergeflow.Engine.Offload;

/// <summary>One pass of a trace: which megaflow, which generation of it, how long the packet was then.</summary>
public struct TracePass
{
    public int MegaflowId;
    public uint Generation;
    public int LengthBytes;
}
