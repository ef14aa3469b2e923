using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Packets;

/// <summary>
/// A packet for code that may not hold pointers: command line, tests, oracles. The packet path uses <see cref="Packet"/> itself.
/// Valid until the packet is returned to its pool.
/// </summary>
public readonly unsafe partial struct PacketRef
{
    internal PacketRef(Packet* packet) => Pointer = packet;

    /// <summary>The packet.</summary>
    public Packet* Pointer { get; }

    /// <summary>Parsed headers and metadata; lanes outside <see cref="KeyLanes"/> are undefined.</summary>
    public ref FlowKey Key => ref Pointer->Key;

    /// <summary>Flags.</summary>
    public ref PacketFlags Flags => ref Pointer->Flags;

    /// <summary>The descriptor.</summary>
    public ref Packet Descriptor => ref *Pointer;

    /// <summary>A copy of the key with absent lanes zeroed.</summary>
    public FlowKey WholeKey()
    {
        FlowKey key = default;
        for (int lane = 0; lane < FlowKey.LaneCount; lane++)
        {
            if ((Pointer->KeyLanes & (1u << lane)) != 0) FlowKey.Lane(ref key, lane) = FlowKey.Lane(ref Pointer->Key, lane);
        }

        return key;
    }

    /// <summary>Verifies the checksums; see <see cref="PacketChecksums.Verify"/>.</summary>
    public void VerifyChecksums() => PacketChecksums.Verify(Pointer);

    /// <summary>From here on at most so many VLAN tags are parsed; 0 = as many as there can be.</summary>
    public void LimitTags(int vlanLimit)
    {
        if (vlanLimit == 1) Pointer->Flags |= PacketFlags.OneTag;
    }

    /// <summary>Parses the frame with the best kernel of this machine.</summary>
    public void Extract() => MiniflowExtractor.Extract(Pointer);
}
