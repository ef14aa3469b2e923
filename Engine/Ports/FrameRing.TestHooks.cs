using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Ports;

/// <remarks>What only tests look at.</remarks>
public sealed unsafe partial class FrameRing
{
    /// <summary>Takes a copy, for code that may not hold pointers.</summary>
    public void Add(PacketRef packet, uint port, FrameDirections direction, long ns) => Add(packet.Pointer, packet.Pointer->LengthBytes, port, direction, ns);
}
