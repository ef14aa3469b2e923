using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Packets;

/// <summary>
/// Parses frames into flow keys (OVS <c>miniflow_extract</c>, lib/flow.c). Parsing is total: any bytes give a key. It rewrites the
/// header fields of <see cref="Packet.Key"/>, keeps its metadata, and sets <see cref="Packet.KeyLanes"/>, the offsets and
/// <see cref="PacketFlags.Parsed"/>.
/// </summary>
/// <remarks>
/// <code>
/// untagged IPv4 TCP/UDP without options (Vector256 kernel):
///   frame  [0..15]  & mask                      -> lane 0, low half     (dl_dst dl_src dl_type, vlan0_tci = 0)
///   key    [16..31] & ~nw_frag                  -> lane 0, high half    (metadata kept)
///   frame  [14..29] & mask                      -> lane 1, low half     (tos ttl proto nw_src)
///   frame  [30..45] with tcp_flags put in, mask -> lane 1, high half    (nw_dst ports flags)
/// anything else: scalar code
/// </code>
/// Limits are those of OVS: two VLAN tags, three MPLS labels. At most <see cref="Packet.ReadableTailroomBytes"/> bytes behind the
/// frame are read; they never influence the result.
/// </remarks>
public static unsafe partial class MiniflowExtractor
{
    /// <summary>VLAN tags the key can hold (OVS <c>FLOW_MAX_VLAN_HEADERS</c>).</summary>
    public const int VlanLimit = 2;

    /// <summary>Lanes without any header field: parsing leaves them alone.</summary>
    private const uint MetadataLanes = (1u << Lanes.Ct) | (1u << Lanes.Tunnel) | (1u << Lanes.TunnelIpv6) | (1u << Lanes.CtIpv6);

    /// <summary>Parses one packet with the best kernel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Extract(Packet* packet)
    {
        if (Avx2.IsSupported) Extract<Vector256Kernel>(packet);
        else Extract<ScalarKernel>(packet);
    }

    /// <summary>Parses one packet.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Extract<TKernel>(Packet* packet)
        where TKernel : struct, IMiniflowKernel
        => TKernel.Parse(packet);

    /// <summary>Parses <paramref name="count"/> packets with the best kernel.</summary>
    public static void ExtractBatch(Packet** packets, int count)
    {
        if (Avx2.IsSupported) ExtractBatch<Vector256Kernel>(packets, count);
        else ExtractBatch<ScalarKernel>(packets, count);
    }

    /// <summary>Parses <paramref name="count"/> packets.</summary>
    public static void ExtractBatch<TKernel>(Packet** packets, int count)
        where TKernel : struct, IMiniflowKernel
    {
        const int ahead = 4;
        for (int i = 0; i < count; i++)
        {
            if (i + ahead < count) Prefetch.Read(packets[i + ahead]);
            TKernel.Parse(packets[i]);
        }
    }

    /// <summary>Parses the packet unless its offsets describe its bytes already.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void EnsureParsed(Packet* packet)
    {
        if ((packet->Flags & PacketFlags.Parsed) == 0) ExtractAnew(packet);
    }

    /// <summary>Parses the packet unless a parser would find in its bytes just what its key says.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void EnsureCurrent(Packet* packet)
    {
        if ((packet->Flags & (PacketFlags.Parsed | PacketFlags.Outdated)) == PacketFlags.Parsed) return;
        packet->Flags &= ~PacketFlags.Outdated;
        ExtractAnew(packet);
    }

    /// <summary>Parses a packet that actions have changed; they may have taken its Ethernet header off, which is no matter of packets that come in.</summary>
    private static void ExtractAnew(Packet* packet)
    {
        if ((packet->Flags & PacketFlags.NoEthernet) == 0) Extract(packet);
        else ParseBare(packet);
    }

    /// <summary>True if <paramref name="lane"/> of the key has a bit set.</summary>
    private static bool HasBits(FlowKey* key, int lane) => FlowKey.Lane(ref *key, lane) != Vector256<byte>.Zero;
}
