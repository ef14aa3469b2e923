using System.Globalization;

namespace Mergeflow.PropertyTests;

/// <summary>The small world that all generated cases play in: few values of everything, so that they collide.</summary>
internal sealed class Domain
{
    public static readonly uint[] Ports = [1, 2, 3, 4];
    public static readonly ulong[] Macs = [0x020000000001, 0x020000000002, 0x020000000003, 0x020000000004, 0x01005e000001];
    public static readonly ushort[] L4Ports = [53, 80, 600, 1024, 5000];
    public static readonly int[] Zones = [1, 2, 7];
    public static readonly int[] Vids = [5, 6];
    public static readonly int[] Tos = [0, 32, 3];

    /// <summary>Hosts, IPv4: 10.0.0.1 and so on.</summary>
    public static readonly uint[] Hosts = [0x0a000001, 0x0a000002, 0x0a000003, 0x0a000104];

    public static readonly UInt128[] Hosts6 = [Address6(1), Address6(2), Address6(3)];

    /// <summary>Addresses that only NAT uses.</summary>
    public static readonly uint[] SourceNat = [0xc6120001, 0xc6120002];

    /// <summary>An address that only clients ask for; DNAT leads on to a host.</summary>
    public const uint Virtual = 0xc6120009;

    public static UInt128 Address6(uint host) => ((UInt128)0xfd00 << 112) | host;

    public static string Ip(uint a) => string.Create(CultureInfo.InvariantCulture, $"{a >> 24}.{(a >> 16) & 255}.{(a >> 8) & 255}.{a & 255}");

    public static string Ip6(UInt128 a) => $"fd00::{(uint)a:x}";

    public static string Mac(ulong a)
        => string.Join(':', Enumerable.Range(0, 6).Select(i => ((a >> (40 - (8 * i))) & 255).ToString("x2", CultureInfo.InvariantCulture)));
}
