using System.Runtime.CompilerServices;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Ports;

namespace Mergeflow.Engine.Pmd;

/// <summary>How every packet leaves: counted on its port and for the packet thread, handed to the sink. What nothing else happens to goes back to the pool behind that.</summary>
/// <remarks>
/// Static, with what it works on as arguments: callers load these from the object that their loop has in a register anyway. As methods of a struct in a field the
/// same lines cost the shortest loop two memory accesses per packet, for the address of the field.
/// </remarks>
internal static unsafe class TransmitTail
{
    /// <summary>Sends by a port that exists. The packet is still the caller's. Who forwards many has the sums in registers.</summary>
    /// <param name="sink">Where it goes; null = counted and dropped.</param>
    /// <param name="p">The packet.</param>
    /// <param name="port">Number of the port.</param>
    /// <param name="hot">Record of the port.</param>
    /// <param name="lengthBytes">How much of the packet is sent.</param>
    /// <param name="packets">Packets sent so far.</param>
    /// <param name="bytes">Bytes sent so far.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Send(IPacketSink? sink, Packet* p, uint port, PortTable.PortHot* hot, ulong lengthBytes, ref ulong packets, ref ulong bytes)
    {
        hot->TxPackets++;
        hot->TxBytes += lengthBytes;
        packets++;
        bytes += lengthBytes;
        sink?.Transmit(p, port, (int)lengthBytes);
    }
}
