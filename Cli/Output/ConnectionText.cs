using System.Globalization;
using System.Net;

namespace Mergeflow.Cli;

/// <summary>A connection as Open vSwitch prints it (<c>ovs-appctl dpctl/dump-conntrack</c>, lib/ct-dpif.c).</summary>
internal static class ConnectionText
{
    /// <summary>Name of an IP protocol, or its number.</summary>
    public static string Proto(byte proto) => proto switch
    {
        1 => "icmp",
        2 => "igmp",
        6 => "tcp",
        17 => "udp",
        33 => "dccp",
        58 => "icmpv6",
        132 => "sctp",
        136 => "udplite",
        _ => proto.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>The parts of one direction, name and value, in Open vSwitch's order.</summary>
    public static IEnumerable<(string Name, string Value)> Parts(ConnTuple tuple)
    {
        yield return ("src", Address(tuple.IsIpv6, tuple.Src));
        yield return ("dst", Address(tuple.IsIpv6, tuple.Dst));
        if (tuple.IsIcmp)
        {
            yield return ("id", Number(tuple.IcmpId));
            yield return ("type", Number(tuple.IcmpType));
            yield return ("code", Number(tuple.IcmpCode));
        }
        else
        {
            yield return ("sport", Number(tuple.SrcPort));
            yield return ("dport", Number(tuple.DstPort));
        }
    }

    /// <summary>One line per connection, without its remaining lifetime unless <paramref name="withStatistics"/> (<c>-s</c>).</summary>
    public static string Line(ConnInfo connection, bool withStatistics)
    {
        List<string> parts =
        [
            Proto(connection.Proto),
            $"orig=({Direction(connection.Orig, connection.OrigPackets, connection.OrigBytes, withStatistics)})",
            $"reply=({Direction(connection.Reply, connection.ReplyPackets, connection.ReplyBytes, withStatistics)})",
        ];
        if (connection.Zone != 0) parts.Add($"zone={Number(connection.Zone)}");
        if (withStatistics) parts.Add($"timeout={Number(connection.TimeoutSeconds)}");
        if (connection.Mark != 0) parts.Add($"mark={Number(connection.Mark)}");
        if (!connection.Label.IsZero) parts.Add($"labels={Label(connection.Label)}");
        if (connection.State is string state) parts.Add($"protoinfo=(state={state})");
        if (connection.Helper is string helper) parts.Add($"helper={helper}");
        return string.Join(",", parts);
    }

    /// <summary><c>0x..</c> without leading zeroes.</summary>
    public static string Label(Ipv6Address label) => "0x" + label.ToUInt128().ToString("x", CultureInfo.InvariantCulture);

    /// <summary>A number as Open vSwitch prints it, whatever the locale.</summary>
    public static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Direction(ConnTuple tuple, ulong packets, ulong bytes, bool withStatistics)
    {
        string text = string.Join(",", Parts(tuple).Select(p => $"{p.Name}={p.Value}"));
        return withStatistics && (packets | bytes) != 0
            ? string.Create(CultureInfo.InvariantCulture, $"{text},packets={packets},bytes={bytes}")
            : text;
    }

    /// <summary>An address; IPv4 in the first four bytes.</summary>
    public static string Address(bool isIpv6, Ipv6Address address)
    {
        if (isIpv6) return address.ToString();
        UInt128 high = address.ToUInt128() >> 96;
        return new IPAddress([(byte)(high >> 24), (byte)(high >> 16), (byte)(high >> 8), (byte)high]).ToString();
    }
}
