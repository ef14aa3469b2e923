using F = Mergeflow.PropertyTests.RefField;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Reads a frame field by field: IEEE 802.3 and 802.1Q/ad, RFC 791, 8200, 9293, 768, 792, 4443, 4861, 826, and where those leave a choice,
/// what Open vSwitch does (OVS <c>miniflow_extract</c>).
/// </summary>
internal static partial class ReferenceParser
{
    /// <summary>dl_type of an 802.3 frame without an ethertype (OVS <c>FLOW_DL_TYPE_NONE</c>).</summary>
    private const ushort NoEthType = 0x05ff;

    private const int VlanLimit = 2;

    public static ParsedFrame Parse(ReadOnlySpan<byte> frame)
    {
        var p = new ParsedFrame { End = frame.Length };
        if (frame.Length < 14) return p;
        p.Flow[F.EthDst] = Wire.Mac(frame, 0);
        p.Flow[F.EthSrc] = Wire.Mac(frame, 6);

        int at = 12;
        for (int tag = 0; tag < VlanLimit && Wire.U16(frame, at) is 0x8100 or 0x88a8 && frame.Length >= at + 6; tag++, at += 4)
        {
            p.Flow[tag == 0 ? F.Tpid0 : F.Tpid1] = Wire.U16(frame, at);
            p.Flow[tag == 0 ? F.Tci0 : F.Tci1] = (uint)(Wire.U16(frame, at + 2) | 0x1000);
        }

        ushort type = Wire.U16(frame, at);
        at += 2;
        if (type < 0x0600) type = SnapType(frame, ref at);
        p.Flow[F.EthType] = type;
        p.L3 = at;
        switch (type)
        {
            case 0x0800:
                ParseIpv4(frame, p);
                break;
            case 0x86dd:
                ParseIpv6(frame, p);
                break;
            case 0x0806 or 0x8035:
                ParseArp(frame, p);
                break;
        }

        return p;
    }

    /// <summary>802.2 with a SNAP header of OUI 0 carries an ethertype.</summary>
    private static ushort SnapType(ReadOnlySpan<byte> frame, ref int at)
    {
        if (frame.Length < at + 8) return NoEthType;
        if (!frame.Slice(at, 6).SequenceEqual<byte>([0xaa, 0xaa, 0x03, 0, 0, 0])) return NoEthType;
        ushort type = Wire.U16(frame, at + 6);
        at += 8;
        return type >= 0x0600 ? type : NoEthType;
    }

    private static void ParseArp(ReadOnlySpan<byte> frame, ParsedFrame p)
    {
        if (frame.Length < p.L3 + 28) return;
        ReadOnlySpan<byte> arp = frame[p.L3..];
        bool isIpv4OverEthernet = Wire.U16(arp, 0) == 1 && Wire.U16(arp, 2) == 0x0800 && arp[4] == 6 && arp[5] == 4;
        if (!isIpv4OverEthernet) return;
        ushort op = Wire.U16(arp, 6);
        if (op <= 0xff) p.Flow[F.Proto] = op;
        p.Flow[F.HwSrc] = Wire.Mac(arp, 8);
        p.Flow[F.IpSrc] = Wire.U32(arp, 14);
        p.Flow[F.HwDst] = Wire.Mac(arp, 18);
        p.Flow[F.IpDst] = Wire.U32(arp, 24);
    }

    private static void ParseIpv4(ReadOnlySpan<byte> frame, ParsedFrame p)
    {
        ReadOnlySpan<byte> ip = frame[p.L3..];
        if (ip.Length < 20) return;
        int header = (ip[0] & 15) * 4;
        int total = Wire.U16(ip, 2);
        if (header < 20 || header > ip.Length || total > ip.Length || header > total || ip.Length - total > 0xffff) return;
        p.End = p.L3 + total;
        p.L4 = p.L3 + header;
        p.Flow[F.IpSrc] = Wire.U32(ip, 12);
        p.Flow[F.IpDst] = Wire.U32(ip, 16);
        p.Flow[F.Tos] = ip[1];
        p.Flow[F.Ttl] = ip[8];
        p.Flow[F.Proto] = ip[9];
        ushort fragment = Wire.U16(ip, 6);
        if ((fragment & 0x3fff) != 0) p.Flow[F.Frag] = (fragment & 0x1fff) != 0 ? 3u : 1u;
        ParseTransport(frame, p);
    }
}
