using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

internal sealed unsafe partial class Defragmenter
{
    /// <summary>Puts a complete datagram together in the buffer; false if it is longer than an IP packet can be.</summary>
    public bool Reassemble(int datagram)
    {
        CtDatagram* d = _fragments.Datagram(datagram);
        CtFragment* first = _fragments.Fragment(d->FirstFragment);
        Packet* source = first->Packet;
        int headSize = source->LengthBytes - source->L2PadBytes;
        long total = headSize;
        for (int f = first->Next; f >= 0; f = _fragments.Fragment(f)->Next)
        {
            // No part can be negative, or the sum says nothing about what is copied below.
            int size = _fragments.Fragment(f)->SizeBytes;
            if (size < 0) return false;
            total += size;
        }
        if (total - source->L3Offset > ushort.MaxValue || total > CtFragments.BufferBytes - Packet.ReadableTailroomBytes) return false;

        Packet* whole = Whole;
        *whole = *source;
        byte* at = _fragments.BufferEnd - Packet.ReadableTailroomBytes - total;
        whole->Data = at;
        whole->LengthBytes = (int)total;
        whole->L2PadBytes = 0;
        whole->Key.NwFrag = NwFrag.No;
        Unsafe.CopyBlockUnaligned(at, source->Data, (uint)headSize);
        at += headSize;
        for (int f = first->Next; f >= 0; f = _fragments.Fragment(f)->Next)
        {
            CtFragment* fragment = _fragments.Fragment(f);
            Unsafe.CopyBlockUnaligned(at, fragment->Data, (uint)fragment->SizeBytes);
            at += fragment->SizeBytes;
        }
        whole->L4Offset = (ushort)(first->Data - source->Data);
        byte* l3 = whole->Data + whole->L3Offset;
        if (d->Key.IsIpv6) return MakeWholeIpv6(whole, l3);

        ushort offset = Unsafe.ReadUnaligned<ushort>(l3 + 6);
        ushort wholeOffset = (ushort)(offset & 0xffdf);
        ushort length = Unsafe.ReadUnaligned<ushort>(l3 + 2);
        ushort wholeLength = BinaryPrimitives.ReverseEndianness((ushort)(total - whole->L3Offset));
        ushort checksum = InternetChecksum.Recalc16(Unsafe.ReadUnaligned<ushort>(l3 + 10), offset, wholeOffset);
        Unsafe.WriteUnaligned(l3 + 10, InternetChecksum.Recalc16(checksum, length, wholeLength));
        Unsafe.WriteUnaligned(l3 + 6, wholeOffset);
        Unsafe.WriteUnaligned(l3 + 2, wholeLength);
        return true;
    }

    /// <summary>The fragment header stays in place; the fixed header names the upper protocol, so that it is skipped.</summary>
    private static bool MakeWholeIpv6(Packet* whole, byte* l3)
    {
        byte proto = l3[6];
        if (!CtIpv6Headers.Walk(l3 + CtHeaders.Ipv6Bytes, whole->Data + whole->LengthBytes, ref proto, out _, out byte* fragment, out bool isFragment)) return false;
        if (!isFragment || fragment == null) return false;
        Unsafe.WriteUnaligned(fragment + 2, (ushort)0);
        Unsafe.WriteUnaligned(l3 + 4, BinaryPrimitives.ReverseEndianness((ushort)(whole->LengthBytes - whole->L3Offset - CtHeaders.Ipv6Bytes - 8)));
        l3[6] = proto;
        return true;
    }

    /// <summary>Lets the fragments of a datagram go with what became of the whole.</summary>
    public void Release(int datagram)
    {
        CtDatagram* d = _fragments.Datagram(datagram);
        for (int f = d->FirstFragment; f >= 0; f = _fragments.Fragment(f)->Next)
        {
            CtFragment* fragment = _fragments.Fragment(f);
            CopyResult(Whole, fragment->Packet, fragment, isFirst: f == d->FirstFragment, d->Key.IsIpv6);
            AddReleased(fragment->Packet);
        }
        _fragments.Remove(datagram);
    }

    /// <summary>Result of the whole datagram into one fragment: ct_* fields, addresses, and the L4 header into the first.</summary>
    private static void CopyResult(Packet* whole, Packet* packet, CtFragment* fragment, bool isFirst, bool ipv6)
    {
        FlowKey* from = &whole->Key;
        FlowKey* to = &packet->Key;
        to->CtState = from->CtState;
        to->CtZone = from->CtZone;
        to->CtMark = from->CtMark;
        FlowKey.Lane(ref *to, Lanes.Ct) = FlowKey.Lane(ref *from, Lanes.Ct);
        FlowKey.Lane(ref *to, Lanes.CtIpv6) = FlowKey.Lane(ref *from, Lanes.CtIpv6);
        packet->KeyLanes = (packet->KeyLanes & ~(ConnMetadata.Lane | ConnMetadata.Ipv6Lane)) | (whole->KeyLanes & (ConnMetadata.Lane | ConnMetadata.Ipv6Lane));

        byte* l3 = packet->Data + packet->L3Offset;
        byte* wholeL3 = whole->Data + whole->L3Offset;
        if (ipv6)
        {
            Unsafe.CopyBlockUnaligned(l3 + 8, wholeL3 + 8, 32);
            to->Ipv6Src = from->Ipv6Src;
            to->Ipv6Dst = from->Ipv6Dst;
        }
        else
        {
            for (int at = 12; at <= 16; at += 4)
            {
                uint old = Unsafe.ReadUnaligned<uint>(l3 + at), value = Unsafe.ReadUnaligned<uint>(wholeL3 + at);
                Unsafe.WriteUnaligned(l3 + 10, InternetChecksum.Recalc32(Unsafe.ReadUnaligned<ushort>(l3 + 10), old, value));
                Unsafe.WriteUnaligned(l3 + at, value);
            }
            to->NwSrc = from->NwSrc;
            to->NwDst = from->NwDst;
        }
        if (!isFirst) return;
        Unsafe.CopyBlockUnaligned(fragment->Data, whole->Data + whole->L4Offset, (uint)(packet->LengthBytes - packet->L2PadBytes - (int)(fragment->Data - packet->Data)));
        to->TpSrc = from->TpSrc;
        to->TpDst = from->TpDst;
    }
}
