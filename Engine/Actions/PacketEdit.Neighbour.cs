using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

public static unsafe partial class PacketEdit
{
    private const int ArpSizeBytes = 28;
    private const int NdMessageSizeBytes = 24;
    private const int NdTargetOffset = 8;
    private const int NdOptionUnitBytes = 8;

    /// <summary>Rewrites ARP fields (OVS <c>set_arp</c>).</summary>
    public static void SetArp(Packet* packet, in DpSetArp set)
    {
        MiniflowExtractor.EnsureParsed(packet);
        if (packet->Key.DlType.Host is not (EthType.Arp or EthType.Rarp) || packet->LengthBytes - packet->L3Offset < ArpSizeBytes) return;

        byte* arp = packet->Data + packet->L3Offset;
        ushort op = Unsafe.ReadUnaligned<ushort>(arp + 6);
        Unsafe.WriteUnaligned(arp + 6, (ushort)((op & ~set.OpMask.Raw) | (set.Op.Raw & set.OpMask.Raw)));
        ReplaceMac(arp + 8, set.Sha, set.ShaMask);
        ReplaceWord(arp + 14, set.Spa.Raw, set.SpaMask.Raw);
        ReplaceMac(arp + 18, set.Tha, set.ThaMask);
        ReplaceWord(arp + 24, set.Tpa.Raw, set.TpaMask.Raw);
        packet->Flags |= PacketFlags.Outdated;
    }

    /// <summary>
    /// Rewrites the target and the link-layer address of the first address option of a neighbour discovery message, with the ICMPv6
    /// checksum (OVS <c>packet_set_nd</c>). Options are not added.
    /// </summary>
    public static void SetNd(Packet* packet, in DpSetNd set)
    {
        MiniflowExtractor.EnsureParsed(packet);
        int size = L4SizeBytes(packet);
        if (packet->Key.NwProto != IpProto.Icmpv6 || size < NdMessageSizeBytes) return;

        byte* message = packet->Data + packet->L4Offset;
        byte* checksum = message + 2;
        Ipv6Address target = Unsafe.ReadUnaligned<Ipv6Address>(message + NdTargetOffset);
        Ipv6Address newTarget = Masked(target, set.Target, set.TargetMask);
        if (newTarget != target)
        {
            StoreChecksum(checksum, InternetChecksum.Recalc128(LoadChecksum(checksum), (byte*)&target, (byte*)&newTarget));
            Unsafe.WriteUnaligned(message + NdTargetOffset, newTarget);
        }

        byte* option = FirstAddressOption(message + NdMessageSizeBytes, size - NdMessageSizeBytes);
        if (option != null)
        {
            const byte sourceLinkAddress = 1;
            EthAddress old = Unsafe.ReadUnaligned<EthAddress>(option + 2);
            if (option[0] == sourceLinkAddress) ReplaceMac(option + 2, set.Sll, set.SllMask);
            else ReplaceMac(option + 2, set.Tll, set.TllMask);
            EthAddress now = Unsafe.ReadUnaligned<EthAddress>(option + 2);
            if (now != old) StoreChecksum(checksum, InternetChecksum.Recalc48(LoadChecksum(checksum), (byte*)&old, (byte*)&now));
        }

        packet->Flags |= PacketFlags.Outdated;
    }

    /// <summary>The first source or target link-layer address option of Ethernet size; null if there is none.</summary>
    private static byte* FirstAddressOption(byte* option, int size)
    {
        while (size >= NdOptionUnitBytes && option[1] != 0)
        {
            if (option[0] is 1 or 2 && option[1] == 1) return option;
            size -= option[1] * NdOptionUnitBytes;
            option += option[1] * NdOptionUnitBytes;
        }

        return null;
    }

    private static Ipv6Address Masked(Ipv6Address old, Ipv6Address value, Ipv6Address mask)
    {
        UInt128 m = mask.ToUInt128();
        return Ipv6Address.FromUInt128((old.ToUInt128() & ~m) | (value.ToUInt128() & m));
    }

    private static void ReplaceMac(byte* field, EthAddress value, EthAddress mask)
    {
        byte* v = (byte*)&value;
        byte* m = (byte*)&mask;
        for (int i = 0; i < 6; i++) field[i] = (byte)((field[i] & ~m[i]) | (v[i] & m[i]));
    }

    private static void ReplaceWord(byte* field, uint value, uint mask)
        => Unsafe.WriteUnaligned(field, (Unsafe.ReadUnaligned<uint>(field) & ~mask) | (value & mask));

    private static ushort LoadChecksum(byte* checksum) => Unsafe.ReadUnaligned<ushort>(checksum);

    private static void StoreChecksum(byte* checksum, ushort value) => Unsafe.WriteUnaligned(checksum, value);
}
