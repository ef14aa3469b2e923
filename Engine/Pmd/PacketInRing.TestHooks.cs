using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Pmd;

/// <remarks>What only tests look at.</remarks>
public sealed unsafe partial class PacketInRing
{
    /// <summary>The same as <see cref="Add(Packet*, in DpUserspace)"/>; a broken one publishes the record before it is written.</summary>
    public void Add(PacketRef packet, in DpUserspace told, bool publishesFirst = false)
    {
        if (!publishesFirst)
        {
            Add(packet.Pointer, in told);
            return;
        }

        if (!TryReserve(packet.Pointer->LengthBytes, out uint at, out uint size)) return;
        Publish(size);
        Fill(at, size, packet.Pointer, in told);
    }

    /// <summary>A broken <see cref="TryTake"/>: gives the room back before it has read the record.</summary>
    public bool TryTakeReleasingFirst(int sizeBytes, out PacketInHeader header, out byte[] frame)
    {
        (header, frame) = (default, []);
        if (!TryFind(out uint at)) return false;
        Release(sizeBytes);
        Read(at, out header, out frame);
        return true;
    }
}
