namespace Mergeflow.Engine.Actions;

/// <summary>Masked rewrite of pkt_mark; host order.</summary>
public struct DpSetPktMark
{
    public uint Mark;
    public uint MarkMask;
}
