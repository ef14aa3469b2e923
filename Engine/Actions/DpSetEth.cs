using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Actions;

/// <summary>Masked rewrite of Ethernet addresses; bits outside the masks are kept.</summary>
public struct DpSetEth
{
    public EthAddress Dst;
    public EthAddress Src;
    public EthAddress DstMask;
    public EthAddress SrcMask;
}
