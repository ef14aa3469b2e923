using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Text;

/// <content>Outer headers (OVS <c>format_odp_tnl_push_header</c>).</content>
public static partial class DpFlowFormatter
{
    private static string FormatPush(in DpAction a, PortNames? ports)
    {
        TunnelHeader header = a.Push;
        ReadOnlySpan<byte> h = header.Bytes;
        if (h.Length < 14) return "tnl_push()";
        var s = new StringBuilder();
        s.Append(CultureInfo.InvariantCulture, $"tnl_push(tnl_port({Port(a.CountedPort, ports)}),header(size={h.Length},type={(int)TypeOf(header.Kind)},");
        s.Append(CultureInfo.InvariantCulture, $"eth(dst={EthAddress.From(h)},src={EthAddress.From(h[6..])},dl_type=0x{BinaryPrimitives.ReadUInt16BigEndian(h[12..]):x4}),");
        ReadOnlySpan<byte> ip = h[14..];
        if (header.IsIpv6)
        {
            s.Append(CultureInfo.InvariantCulture, $"ipv6(src={Ipv6Address.From(ip[8..24])},dst={Ipv6Address.From(ip[24..40])},label=0,proto={ip[6]},tclass=0x{BinaryPrimitives.ReadUInt16BigEndian(ip) >> 4 & 0xff:x},hlimit={ip[7]}),");
        }
        else
        {
            s.Append(CultureInfo.InvariantCulture, $"ipv4(src={Ip(ip[12..])},dst={Ip(ip[16..])},proto={ip[9]},tos={NumberText.Hex(ip[1])},ttl={ip[8]},frag=0x{BinaryPrimitives.ReadUInt16BigEndian(ip[6..]):x}),");
        }

        AppendEncapsulation(s, header.Kind, ip[(header.IsIpv6 ? 40 : 20)..]);
        s.Append(')');
        if (a.OutPort != 0) s.Append(CultureInfo.InvariantCulture, $",out_port({Port(a.OutPort, ports)})");
        return s.Append(')').ToString();
    }

    private static void AppendEncapsulation(StringBuilder s, TunnelKind kind, ReadOnlySpan<byte> l4)
    {
        if (kind == TunnelKind.Gre)
        {
            s.Append(CultureInfo.InvariantCulture, $"gre((flags=0x{BinaryPrimitives.ReadUInt16BigEndian(l4):x},proto=0x{BinaryPrimitives.ReadUInt16BigEndian(l4[2..]):x})");
            int at = (l4[0] & TunnelHeader.GreChecksum) != 0 ? 8 : 4;
            if (at == 8) s.Append(",csum=0x0");
            if ((l4[0] & TunnelHeader.GreKey) != 0) s.Append(CultureInfo.InvariantCulture, $",key=0x{BinaryPrimitives.ReadUInt32BigEndian(l4[at..]):x}");
            s.Append(')');
            return;
        }

        s.Append(CultureInfo.InvariantCulture, $"udp(src=0,dst={BinaryPrimitives.ReadUInt16BigEndian(l4[2..])},csum=0x{BinaryPrimitives.ReadUInt16BigEndian(l4[6..]):x}),");
        uint vni = BinaryPrimitives.ReadUInt32BigEndian(l4[12..]) >> 8;
        if (kind == TunnelKind.Vxlan) s.Append(CultureInfo.InvariantCulture, $"vxlan(flags=0x{BinaryPrimitives.ReadUInt32BigEndian(l4[8..]):x},vni=0x{vni:x})");
        else s.Append(CultureInfo.InvariantCulture, $"geneve({((l4[9] & 0x80) != 0 ? "oam," : "")}vni=0x{vni:x})");
    }

    private static string Ip(ReadOnlySpan<byte> b) => string.Create(CultureInfo.InvariantCulture, $"{b[0]}.{b[1]}.{b[2]}.{b[3]}");

    /// <summary><c>OVS_VPORT_TYPE_*</c>.</summary>
    private static uint TypeOf(TunnelKind kind) => kind switch { TunnelKind.Gre => 3, TunnelKind.Vxlan => 4, _ => 5 };
}
