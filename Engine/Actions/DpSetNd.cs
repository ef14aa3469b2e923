using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Actions;

/// <summary>Masked rewrite of neighbour discovery fields.</summary>
public struct DpSetNd
{
    public Ipv6Address Target;
    public Ipv6Address TargetMask;
    public EthAddress Sll;
    public EthAddress Tll;
    public EthAddress SllMask;
    public EthAddress TllMask;
}
