using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>Which datagram a fragment is of, and which part.</remarks>
internal sealed unsafe partial class Defragmenter
{
    private bool ReadFragmentIpv4(Packet* packet, ref CtFragmentKey key, out byte* data, out int start, out int end, out bool more)
    {
        byte* l3 = packet->Data + packet->L3Offset;
        int size = packet->LengthBytes - packet->L2PadBytes - packet->L3Offset;
        data = l3;
        (start, end, more) = (0, 0, false);
        if ((packet->Flags & PacketFlags.IpCsumBad) != 0 || size < CtHeaders.Ipv4Bytes || CtHeaders.Read16(l3 + 2) != size) return false;
        int headerSize = (*l3 & 0x0f) * 4;
        if (headerSize < CtHeaders.Ipv4Bytes || size < headerSize) return false;
        if ((packet->Flags & PacketFlags.IpCsumGood) == 0 && InternetChecksum.Compute(l3, headerSize) != 0) return false;
        ushort offset = CtHeaders.Read16(l3 + 6);
        more = (offset & 0x2000) != 0;
        bool last = (offset & 0x1fff) != 0 && !more;
        if (!last && size < V4.MinBytes)
        {
            V4.TooSmall++;
            return false;
        }

        data = l3 + headerSize;
        start = (offset & 0x1fff) * 8;
        end = start + size - headerSize - 1;
        key.IpId = Unsafe.ReadUnaligned<ushort>(l3 + 4);
        key.Proto = l3[9];
        Unsafe.WriteUnaligned(ref Unsafe.As<Ipv6Address, byte>(ref key.Src), Unsafe.ReadUnaligned<uint>(l3 + 12));
        Unsafe.WriteUnaligned(ref Unsafe.As<Ipv6Address, byte>(ref key.Dst), Unsafe.ReadUnaligned<uint>(l3 + 16));
        return true;
    }

    private bool ReadFragmentIpv6(Packet* packet, ref CtFragmentKey key, out byte* data, out int start, out int end, out bool more)
    {
        byte* l3 = packet->Data + packet->L3Offset;
        int size = packet->LengthBytes - packet->L2PadBytes - packet->L3Offset;
        data = l3;
        (start, end, more) = (0, 0, false);
        if (size < CtHeaders.Ipv6Bytes) return false;
        byte proto = l3[6];
        if (!CtIpv6Headers.Walk(l3 + CtHeaders.Ipv6Bytes, l3 + size, ref proto, out byte* l4, out byte* fragment, out bool isFragment)) return false;
        if (!isFragment || fragment == null || CtHeaders.Read16(l3 + 4) + CtHeaders.Ipv6Bytes != size) return false;
        ushort offset = CtHeaders.Read16(fragment + 2);
        if ((offset & 0xfff9) == 0) return false;
        more = (offset & 1) != 0;
        bool last = (offset & 0xfff8) != 0 && !more;
        if (!last && size < V6.MinBytes)
        {
            V6.TooSmall++;
            return false;
        }

        // Of a first fragment the walk went on behind the fragment header; what is joined is the L4 part, as in OVS.
        data = l4;
        start = (offset & 0xfff8) + Ipv6FragmentHeaderBytes;
        end = start + (int)(l3 + size - l4) - 1;
        key.IpId = Unsafe.ReadUnaligned<uint>(fragment + 4);
        key.Src = Unsafe.ReadUnaligned<Ipv6Address>(l3 + 8);
        key.Dst = Unsafe.ReadUnaligned<Ipv6Address>(l3 + 24);
        return true;
    }
}
