namespace Mergeflow.Engine.Packets;

/// <remarks>What only tests look at.</remarks>
public sealed unsafe partial class PacketPool
{
    /// <summary>Like <see cref="Clone"/>, for code outside the packet path.</summary>
    /// <exception cref="InvalidOperationException">The pool is empty.</exception>
    public PacketRef CloneRef(PacketRef packet)
    {
        Packet* copy = Clone(packet.Pointer);
        if (copy == null) ThrowEmpty();
        return new PacketRef(copy);
    }
}
