using System.Globalization;

namespace Mergeflow.Control.Bridges;

/// <summary>Ethernet addresses as text; as numbers the first byte on the wire is the highest of 48 bits.</summary>
public static class MacText
{
    private const int Bytes = 6;

    /// <summary>As everybody writes it.</summary>
    public static string Of(ulong mac) => EthAddress.FromUInt64(mac).ToString();

    /// <summary>Reads six pairs of digits; null = it is no address of one station.</summary>
    public static ulong? Parse(string? text) => ParseAny(text) is { } mac && mac != 0 && (mac & 0x0100_0000_0000) == 0 ? mac : null;

    /// <summary>The same of any address, groups and zero included (OVS <c>eth_addr_from_string</c>); null = it is none.</summary>
    public static ulong? ParseAny(string? text)
    {
        if (text?.Split(':') is not { Length: Bytes } parts) return null;
        ulong mac = 0;
        foreach (string part in parts)
        {
            if (!byte.TryParse(part, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value)) return null;
            mac = (mac << 8) | value;
        }

        return mac;
    }

    /// <summary>An address that nobody has been given by its maker.</summary>
    public static ulong Random() => ((ulong)System.Random.Shared.NextInt64() & 0xfcff_ffff_ffff) | 0x0200_0000_0000;
}
