namespace Mergeflow.Engine;

/// <summary>Fixed-size packet slots in pinned memory.</summary>
public sealed unsafe partial class PacketPool
{
}
