using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Packets;

/// <summary>
/// Writes metadata fields of a packet's key so that its lanes stay valid (OVS <c>struct pkt_metadata</c>). Hot-lane fields are written
/// by whole-lane stores: the next pass loads whole lanes, and a load cannot be forwarded from a narrower store.
/// </summary>
public static unsafe class PacketMetadata
{
    private const uint TunnelLanes = (1u << Lanes.Tunnel) | (1u << Lanes.TunnelIpv6);

    /// <summary>Sets recirc_id.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="recircId">Host order.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetRecircId(Packet* packet, uint recircId) => SetWord(packet, KeyLayout.RecircId / sizeof(uint), Be32.FromHost(recircId).Raw);

    /// <summary>Sets in_port.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="port">Host order.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetInPort(Packet* packet, uint port) => SetWord(packet, KeyLayout.InPort / sizeof(uint), Be32.FromHost(port).Raw);

    /// <summary>Sets dp_hash.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="hash">Host order.</param>
    public static void SetDpHash(Packet* packet, uint hash)
    {
        EnsureLane(packet, Lanes.Rare);
        packet->Key.DpHash = Be32.FromHost(hash);
        UpdateLaneBit(packet, Lanes.Rare);
    }

    /// <summary>Sets the masked bits of pkt_mark.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="mark">Host order.</param>
    /// <param name="mask">Bits to write, host order.</param>
    public static void SetPktMark(Packet* packet, uint mark, uint mask)
    {
        EnsureLane(packet, Lanes.Rare);
        packet->Key.PktMark = Be32.FromHost((packet->Key.PktMark.Host & ~mask) | (mark & mask));
        UpdateLaneBit(packet, Lanes.Rare);
    }

    /// <summary>Sets skb_priority.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="queue">Host order.</param>
    public static void SetPriority(Packet* packet, ushort queue)
    {
        EnsureLane(packet, Lanes.Rare);
        packet->Key.SkbPriority = Be16.FromHost(queue);
        UpdateLaneBit(packet, Lanes.Rare);
    }

    /// <summary>The queue that the packet is to leave by.</summary>
    public static ushort PriorityOf(Packet* packet) => (packet->KeyLanes & (1u << Lanes.Rare)) == 0 ? (ushort)0 : packet->Key.SkbPriority.Host;

    /// <summary>Takes over the metadata of a key: <c>in_port</c>, <c>ct_*</c>, tunnel, <c>dp_hash</c>, <c>pkt_mark</c> and <c>skb_priority</c> (OVS <c>pkt_metadata_from_flow</c>).</summary>
    public static void Restore(Packet* packet, ref FlowKey key)
    {
        for (int lane = 0; lane < FlowKey.LaneCount; lane++)
        {
            if (lane is not (Lanes.Ct or Lanes.CtIpv6 or Lanes.Tunnel or Lanes.TunnelIpv6)) continue;
            FlowKey.Lane(ref packet->Key, lane) = FlowKey.Lane(ref key, lane);
            UpdateLaneBit(packet, lane);
        }

        EnsureLane(packet, Lanes.Rare);
        (packet->Key.DpHash, packet->Key.PktMark, packet->Key.SkbPriority) = (key.DpHash, key.PktMark, key.SkbPriority);
        UpdateLaneBit(packet, Lanes.Rare);
        (packet->Key.CtState, packet->Key.CtZone, packet->Key.CtMark) = (key.CtState, key.CtZone, key.CtMark);
        SetWord(packet, KeyLayout.InPort / sizeof(uint), key.InPort.Raw);
    }

    /// <summary>The packet came with the Geneve option behind tun_metadata0.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="data">Right-aligned, host order.</param>
    public static void SetOption(Packet* packet, ulong data)
    {
        EnsureLane(packet, Lanes.TunnelIpv6);
        packet->Key.TunOptions = 1;
        packet->Key.TunMetadata0 = Be64.FromHost(data);
        UpdateLaneBit(packet, Lanes.TunnelIpv6);
    }

    /// <summary>Forgets the tunnel fields.</summary>
    public static void ClearTunnel(Packet* packet)
    {
        FlowKey.Lane(ref packet->Key, Lanes.Tunnel) = Vector256<byte>.Zero;
        FlowKey.Lane(ref packet->Key, Lanes.TunnelIpv6) = Vector256<byte>.Zero;
        packet->KeyLanes &= ~TunnelLanes;
    }

    /// <summary>Makes the memory of a lane valid: all zero if it was absent.</summary>
    public static void EnsureLane(Packet* packet, int lane)
    {
        if ((packet->KeyLanes & (1u << lane)) == 0) FlowKey.Lane(ref packet->Key, lane) = Vector256<byte>.Zero;
    }

    /// <summary>Marks a lane whose memory is valid as present or absent, by its content.</summary>
    public static void UpdateLaneBit(Packet* packet, int lane)
    {
        uint bit = 1u << lane;
        bool hasBits = FlowKey.Lane(ref packet->Key, lane) != Vector256<byte>.Zero;
        packet->KeyLanes = hasBits ? packet->KeyLanes | bit : packet->KeyLanes & ~bit;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SetWord(Packet* packet, int index, uint raw)
    {
        ref Vector256<byte> lane = ref FlowKey.Lane(ref packet->Key, Lanes.Link);
        lane = lane.AsUInt32().WithElement(index, raw).AsByte();
    }
}
