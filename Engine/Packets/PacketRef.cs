using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Packets;

/// <summary>
/// A packet for code that may not hold pointers: command line, tests, oracles. The packet path uses <see cref="Packet"/> itself.
/// Valid until the packet is returned to its pool.
/// </summary>
public readonly unsafe struct PacketRef
{
    internal PacketRef(Packet* packet) => Pointer = packet;

    /// <summary>The packet.</summary>
    public Packet* Pointer { get; }

    /// <summary>The frame's bytes.</summary>
    public Span<byte> Frame => new(Pointer->Data, Pointer->LengthBytes);

    /// <summary>Parsed headers and metadata; lanes outside <see cref="KeyLanes"/> are undefined.</summary>
    public ref FlowKey Key => ref Pointer->Key;

    /// <summary>Lanes of <see cref="Key"/> that are valid.</summary>
    public uint KeyLanes => Pointer->KeyLanes;

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

    /// <summary>Sets metadata lanes from <paramref name="key"/> (all lanes), as a test or tunnel would.</summary>
    public void SetKey(ref FlowKey key)
    {
        Pointer->Key = key;
        Pointer->KeyLanes = FlowKey.LaneMap(ref key) | FlowKey.HotLanes;
    }

    /// <summary>
    /// Makes the packet describe bytes elsewhere, for instance up against a guard page. <paramref name="unmanagedFrame"/> must be
    /// memory that does not move, with <see cref="Packet.ReadableTailroomBytes"/> readable bytes behind it and no headroom.
    /// </summary>
    public void PointAt(Span<byte> unmanagedFrame, uint inPort)
        => PacketPool.Reset(Pointer, (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(unmanagedFrame)), unmanagedFrame.Length, 0, inPort);

    /// <summary>Verifies the checksums; see <see cref="PacketChecksums.Verify"/>.</summary>
    public void VerifyChecksums() => PacketChecksums.Verify(Pointer);

    /// <summary>Parses the frame unless the key describes it already.</summary>
    public void EnsureParsed() => MiniflowExtractor.EnsureParsed(Pointer);

    /// <summary>Parses the frame unless a parser would find just what the key says.</summary>
    public void EnsureCurrent() => MiniflowExtractor.EnsureCurrent(Pointer);

    /// <summary>From here on at most so many VLAN tags are parsed; 0 = as many as there can be.</summary>
    public void LimitTags(int vlanLimit)
    {
        if (vlanLimit == 1) Pointer->Flags |= PacketFlags.OneTag;
    }

    /// <summary>Parses the frame with the best kernel of this machine.</summary>
    public void Extract() => MiniflowExtractor.Extract(Pointer);

    /// <summary>Parses the frame with a chosen kernel.</summary>
    public void Extract<TKernel>()
        where TKernel : struct, IMiniflowKernel
        => MiniflowExtractor.Extract<TKernel>(Pointer);
}
