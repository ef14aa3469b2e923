using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Ports;

/// <summary>Gives transmitted packets to an <see cref="IOutputSink"/>.</summary>
/// <param name="sink">Takes the bytes; called by every packet thread.</param>
public sealed unsafe class OutputSinkAdapter(IOutputSink sink) : IPacketSink
{
    /// <inheritdoc/>
    public void Transmit(Packet* packet, uint port, int lengthBytes)
        => sink.Output(packet->EventIndex, port, new ReadOnlySpan<byte>(packet->Data, lengthBytes));
}
