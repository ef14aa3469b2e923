using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

/// <summary>
/// Executes the header rewrites of a datapath program (OVS lib/odp-execute.c, lib/packets.c): <c>Set*</c>, <c>Push*</c>, <c>Pop*</c>
/// (tunnels: <see cref="TunnelCodec"/>).
/// </summary>
/// <remarks>
/// Writes are masked: <c>new = old &amp; ~mask | value &amp; mask</c>. Checksums change by the difference, so a wrong one stays wrong
/// by the same amount; a UDP checksum of 0 stays 0. A header that is not there, or is cut off, is left alone. Later fragments have no
/// transport header: their payload is never touched. Afterwards the offsets describe the new bytes, or <see cref="PacketFlags.Parsed"/> is clear;
/// and the key does, or <see cref="PacketFlags.Outdated"/> is set. Nothing here allocates.
/// </remarks>
public static unsafe partial class PacketEdit
{
    private const int EthHeaderSizeBytes = 14;
    private const int MacsSizeBytes = 12;

    /// <summary>Executes one record.</summary>
    /// <returns>False if there is no headroom to push a header, or none that could be taken off: the packet is unchanged and has to be dropped.</returns>
    /// <exception cref="InvalidOperationException">The record is no header rewrite.</exception>
    public static bool Apply(Packet* packet, DpAction* action)
    {
        switch (action->Op)
        {
            case DpOp.SetEth: SetEth(packet, action->Eth); return true;
            case DpOp.SetIpv4: SetIpv4(packet, action->Ipv4); return true;
            case DpOp.SetL4: SetL4(packet, action->L4); return true;
            case DpOp.SetVlan: SetVlan(packet, action->Vlan); return true;
            case DpOp.PushVlan: return PushVlan(packet, action->EthType, action->VlanTci);
            case DpOp.PopVlan: PopVlan(packet); return true;
            case DpOp.SetIpv6Addr: SetIpv6Addr(packet, action->Ipv6); return true;
            case DpOp.SetIpv6Misc: SetIpv6Misc(packet, action->Ipv6Misc); return true;
            case DpOp.SetArp: SetArp(packet, action->Arp); return true;
            case DpOp.SetNd: SetNd(packet, action->Nd); return true;
            case DpOp.SetMpls: SetMpls(packet, action->Mpls); return true;
            case DpOp.PushMpls: return PushMpls(packet, action->EthType, action->MplsLse);
            case DpOp.PopMpls: return PopMpls(packet, action->EthType);
            case DpOp.AddMpls: return AddMpls(packet, action->EthType, action->MplsLse);
            case DpOp.PushEth: return PushEth(packet, action->Eth);
            case DpOp.PopEth: return PopEth(packet);
            case DpOp.SetPktMark: SetPktMark(packet, action->PktMark); return true;
            case DpOp.SetPriority: PacketMetadata.SetPriority(packet, (ushort)action->Port); return true;
            case DpOp.SetTunnel: SetTunnel(packet, action->Tunnel); return true;
            default: ThrowNotAnEdit(action->Op); return false;
        }
    }

    /// <summary>Rewrites the Ethernet addresses.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetEth(Packet* packet, in DpSetEth set)
    {
        if (packet->LengthBytes < EthHeaderSizeBytes) return;

        // The record is value[0..11] mask[12..23], the frame and lane 0 begin with the same twelve bytes.
        ref byte record = ref Unsafe.As<DpSetEth, byte>(ref Unsafe.AsRef(in set));
        ulong mask0 = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref record, MacsSizeBytes));
        ulong mask1 = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref record, MacsSizeBytes + 8));
        ulong value0 = Unsafe.ReadUnaligned<ulong>(ref record) & mask0;
        ulong value1 = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref record, 8)) & mask1;
        byte* frame = packet->Data;
        ulong new0 = (Unsafe.ReadUnaligned<ulong>(frame) & ~mask0) | value0;
        uint new1 = (Unsafe.ReadUnaligned<uint>(frame + 8) & ~(uint)mask1) | (uint)value1;
        Unsafe.WriteUnaligned(frame, new0);
        Unsafe.WriteUnaligned(frame + 8, new1);
        Blend(packet, 0, Vector256.Create(mask0, mask1, 0, 0), Vector256.Create(value0, value1, 0, 0));
    }

    /// <summary>Rewrites pkt_mark, which is metadata: the frame does not change.</summary>
    public static void SetPktMark(Packet* packet, in DpSetPktMark set) => PacketMetadata.SetPktMark(packet, set.Mark, set.MarkMask);

    /// <summary>Cuts the packet for the next output (OVS <c>dp_packet_set_cutlen</c>): an Ethernet header always remains.</summary>
    public static void Truncate(Packet* packet, uint maxLengthBytes)
    {
        uint keep = Math.Max(maxLengthBytes, EthHeaderSizeBytes);
        packet->TruncateBytes = keep >= (uint)packet->LengthBytes ? 0 : (int)keep;
    }

    /// <summary>Bytes of the frame that the next output sends.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int OutputLengthBytes(Packet* packet)
        => packet->TruncateBytes == 0 ? packet->LengthBytes : Math.Min(packet->TruncateBytes, packet->LengthBytes);

    /// <summary>
    /// Writes the masked bits of a lane. A whole-lane store, because the next pass loads the whole lane, and a load cannot be forwarded
    /// from several narrower stores.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Blend(Packet* packet, int lane, Vector256<ulong> mask, Vector256<ulong> value)
    {
        ref Vector256<byte> target = ref FlowKey.Lane(ref packet->Key, lane);
        target = Vector256.AndNot(target, mask.AsByte()) | value.AsByte();
    }

    /// <summary>Bytes from the transport header to the end of the datagram; 0 if there is no such header.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int L4SizeBytes(Packet* packet)
        => packet->L4Offset == Packet.NoOffset ? 0 : packet->LengthBytes - packet->L4Offset - packet->L2PadBytes;

    /// <summary>The checksum (packet order) after the words that <paramref name="change"/> sums, complement of old plus new, replaced others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ushort ApplyChange(ushort checksum, ulong change)
    {
        ulong sum = (ushort)~checksum + change;
        sum = (uint)sum + (sum >> 32);
        sum = (uint)sum + (sum >> 32);
        return InternetChecksum.Fold((uint)sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ChangeChecksum(byte* checksum, ulong change)
        => Unsafe.WriteUnaligned(checksum, ApplyChange(Unsafe.ReadUnaligned<ushort>(checksum), change));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ChangeUdpChecksum(byte* checksum, ulong change)
    {
        ushort old = Unsafe.ReadUnaligned<ushort>(checksum);
        if (old != 0) Unsafe.WriteUnaligned(checksum, InternetChecksum.UdpOnWire(ApplyChange(old, change)));
    }

    [DoesNotReturn]
    private static void ThrowNotAnEdit(DpOp op) => throw new InvalidOperationException($"{op} does not rewrite a header");
}
