using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Ports;

/// <summary>Where transmitted packets go; without one they are counted and dropped.</summary>
public unsafe interface IPacketSink
{
    /// <summary>The bytes are valid during the call only.</summary>
    void Transmit(Packet* packet, uint port, int lengthBytes);

    /// <summary>The packet thread has ended a batch, or is about to sleep: what was put together to be sent at once goes out.</summary>
    void Flush()
    {
    }
}
