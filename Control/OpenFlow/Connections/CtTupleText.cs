using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Mergeflow.Control.OpenFlow;

/// <summary>One direction of a connection as people write it: <c>ct_nw_src=10.1.1.1,ct_nw_proto=6,ct_tp_dst=80</c> (OVS <c>ofp_ct_tuple_parse</c>).</summary>
public static class CtTupleText
{
    /// <summary>Reads a tuple into a flush that may have a protocol already.</summary>
    /// <returns>What is wrong; null = nothing.</returns>
    public static string? Read(string text, ref byte protocol, ref bool? isIpv6, out OfCtTuple tuple)
    {
        tuple = new OfCtTuple();
        foreach (string part in text.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries))
        {
            int at = part.IndexOf('=', StringComparison.Ordinal);
            (string key, string value) = at < 0 ? (part, "") : (part[..at], part[(at + 1)..]);
            if (value.Length == 0) return $"field {key} missing value";
            switch (key)
            {
                case "ct_nw_src" or "ct_nw_dst" or "ct_ipv6_src" or "ct_ipv6_dst":
                    bool six = key[3] == 'i';
                    if (isIpv6 is { } before && before != six) return $"the L3 protocol does not match {value}";
                    if ((key.EndsWith("src", StringComparison.Ordinal) ? tuple.Source : tuple.Destination) is not null) return $"{key} is set multiple times";
                    if (!IPAddress.TryParse(value, out IPAddress? address) || (address.AddressFamily == AddressFamily.InterNetworkV6) != six) return $"failed to parse field {key}";
                    isIpv6 = six;
                    UInt128 bits = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian((six ? address : address.MapToIPv6()).GetAddressBytes());
                    tuple = key.EndsWith("src", StringComparison.Ordinal) ? tuple with { Source = bits } : tuple with { Destination = bits };
                    break;
                case "ct_nw_proto":
                    if (protocol != 0) return $"{key} is set multiple times";
                    if (!TryNumber(value, byte.MaxValue, out int number)) return $"failed to parse field {key}";
                    protocol = (byte)number;
                    break;
                case "ct_tp_src" or "ct_tp_dst":
                    if (!TryNumber(value, ushort.MaxValue, out int port)) return $"failed to parse field {key}";
                    tuple = key == "ct_tp_src" ? tuple with { SourcePort = (ushort)port } : tuple with { DestinationPort = (ushort)port };
                    break;
                case "icmp_type" or "icmp_code" or "icmp_id":
                    if (protocol is not (1 or 58)) return "invalid L4 fields";
                    if (!TryNumber(value, key == "icmp_id" ? ushort.MaxValue : byte.MaxValue, out int icmp)) return $"failed to parse field {key}";
                    tuple = key switch
                    {
                        "icmp_type" => tuple with { IcmpType = (byte)icmp },
                        "icmp_code" => tuple with { IcmpCode = (byte)icmp },
                        _ => tuple with { IcmpId = (ushort)icmp },
                    };
                    break;
                default:
                    return $"invalid conntrack tuple field: {key}";
            }
        }

        return protocol == 0 && (tuple.SourcePort is > 0 || tuple.DestinationPort is > 0) ? "port is set without protocol" : null;
    }

    private static bool TryNumber(string text, int max, out int number)
    {
        bool isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return int.TryParse(isHex ? text.AsSpan(2) : text, isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= 0 && number <= max;
    }

    /// <summary>What a flush is about, as logs tell it (OVS <c>ct_dpif_flush</c>, <c>ofp_ct_match_format</c>).</summary>
    public static string Format(OfCtFlush which)
    {
        bool isAll = which.Protocol == 0 && which.Original is null && which.Reply is null;
        if (isAll) return which.Zone is { } zone ? string.Create(CultureInfo.InvariantCulture, $"zone {zone}") : "<all>";
        return string.Create(CultureInfo.InvariantCulture, $"zone={which.Zone ?? 0} '{Format(which.Original, which.Protocol)},ct_nw_proto={which.Protocol}' '{Format(which.Reply, which.Protocol)}'");
    }

    private static string Format(OfCtTuple? tuple, byte protocol)
    {
        IPAddress source = AddressOf(tuple?.Source), destination = AddressOf(tuple?.Destination);
        string family = IsIpv6(source) || IsIpv6(destination) ? "ct_ipv6" : "ct_nw";
        string rest = protocol is 1 or 58
            ? string.Create(CultureInfo.InvariantCulture, $"icmp_id={tuple?.IcmpId ?? 0},icmp_type={tuple?.IcmpType ?? 0},icmp_code={tuple?.IcmpCode ?? 0}")
            : string.Create(CultureInfo.InvariantCulture, $"ct_tp_src={tuple?.SourcePort ?? 0},ct_tp_dst={tuple?.DestinationPort ?? 0}");
        return $"{family}_src={source},{family}_dst={destination},{rest}";
    }

    /// <summary>An address that was not said is of neither family.</summary>
    private static bool IsIpv6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 && !address.Equals(IPAddress.IPv6Any);

    private static IPAddress AddressOf(UInt128? bits)
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, bits ?? 0);
        IPAddress address = new(bytes);
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }
}
