using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Ports;

/// <summary>A receive queue of one port, polled by one PMD.</summary>
public abstract unsafe class RxQueue
{
    /// <summary>
    /// Fills <paramref name="batch"/> with up to <paramref name="max"/> packets rented from <paramref name="pool"/>, loaded, in_port set,
    /// checksum flags as the device reports them. Returns how many; 0 = nothing to receive now.
    /// </summary>
    public abstract int Receive(PacketPool pool, Packet** batch, int max);
}
