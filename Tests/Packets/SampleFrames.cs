namespace Mergeflow.Tests;

/// <summary>Frames of kinds that the recorded vectors hold few of.</summary>
internal static class SampleFrames
{
    private const string Macs = "02000000000102000000 0002";
    private const string Ip6 = "fd000000000000000000000000000001fd000000000000000000000000000002";
    private const string Udp = "03e80035000c1234deadbeef";
    private const string Tcp = "03e80050000000010000000250101000abcd0000";

    public static byte[] SctpIpv4 => Hex($"{Macs} 0800 4500 0028 0000 0000 4084 0000 0a000001 0a000002 03e8 07d0 00000001 11223344 00010008 00000000");

    public static byte[] NeighbourSolicit => Hex($"{Macs} 86dd 60000000 0020 3a ff {Ip6} 8700 1234 00000000 fd000000000000000000000000000009 0101 020000000001");

    public static byte[] NeighbourAdvert => Hex($"{Macs} 86dd 60000000 0028 3a ff {Ip6} 8800 1234 60000000 fd000000000000000000000000000009 0e01 000000000000 0201 020000000001");

    public static byte[] TcpIpv6 => Hex($"{Macs} 86dd 60012345 0014 06 40 {Ip6} {Tcp}");

    public static byte[] UdpIpv6BehindHopByHop => Hex($"{Macs} 86dd 60000000 0014 00 40 {Ip6} 1100000000000000 {Udp}");

    public static byte[] UdpIpv6AtomicFragment => Hex($"{Macs} 86dd 60000000 0014 2c 40 {Ip6} 1100000000000007 {Udp}");

    public static byte[] UdpIpv4 => Hex($"{Macs} 0800 4500 0020 0000 0000 4011 0000 0a000001 0a000002 {Udp}");

    public static byte[] UdpIpv4Tagged => Hex($"{Macs} 8100 7005 0800 4500 0020 0000 0000 4011 0000 0a000001 0a000002 {Udp} 000000");

    public static IReadOnlyList<byte[]> All { get; } =
    [
        SctpIpv4, NeighbourSolicit, NeighbourAdvert, TcpIpv6, UdpIpv6BehindHopByHop, UdpIpv4, UdpIpv4Tagged,
        Hex($"{Macs} 86dd 60000000 0024 2b 40 {Ip6} 1102000100000000fd000000000000000000000000000003 {Udp}"),
        Hex($"{Macs} 86dd 60000000 0024 2b 40 {Ip6} 1102000000000000fd000000000000000000000000000003 {Udp}"),
        Hex($"{Macs} 86dd 60000000 0014 2c 40 {Ip6} 1100000100000007 {Udp}"),
        UdpIpv6AtomicFragment,
        Hex($"{Macs} 86dd 60000000 0014 2c 40 {Ip6} 1100001100000007 {Udp}"),
        Hex($"{Macs} 86dd 60000000 0024 33 40 {Ip6} 1102000000000000 0000000000000000 {Udp} 0000000000000000"),
        Hex($"{Macs} 8847 00001140 4500 0020 0000 0000 4011 0000 0a000001 0a000002 {Udp}"),
        Hex($"{Macs} 8847 00001040 00002140 4500 0020 0000 0000 4011 0000 0a000001 0a000002 {Udp}"),
        Hex($"{Macs} 8100 0005 8847 00001040 00002040 00003040 00004140 4500"),
        Hex($"{Macs} 8847 0000"),
        Hex($"{Macs} 88a8 0005 8100 0006 0800 4500 0020 0000 0000 4011 0000 0a000001 0a000002 {Udp}"),
        Hex($"{Macs} 88a8 0005 8100 0006 8100 0007 0800 4500 0020 0000 0000 4011 0000 0a000001 0a000002 {Udp}"),
        Hex($"{Macs} 0010 aaaa03000000 0800 4500 0020 0000 0000 4011 0000 0a000001 0a000002 {Udp}"),
        Hex($"{Macs} 8100 0005"),
        Hex($"{Macs} 8100"),
        Hex($"{Macs} 0800 4500 0020 0000 2001 4011 0000 0a000001 0a000002 {Udp}"),
        Hex($"{Macs} 0800 4500 0020 0000 2000 4006 0000 0a000001 0a000002 {Tcp}"),
        Hex($"{Macs} 0800 4600 0024 0000 0000 4011 0000 0a000001 0a000002 01010101 {Udp}"),
        Hex($"{Macs} 0806 0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002"),
        Hex($"{Macs} 8035 0001 0800 06 04 0003 020000000001 0a000001 000000000000 0a000002 0000"),
    ];

    public static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));

    /// <summary>A sample or a recorded frame, sometimes cut, often with header bytes changed.</summary>
    public static byte[] Random(Random random)
    {
        IReadOnlyList<byte[]> samples = All;
        byte[] frame = random.Next(3) == 0
            ? (byte[])samples[random.Next(samples.Count)].Clone()
            : (byte[])ExtractVectors.All[random.Next(ExtractVectors.All.Length)].Frame.Clone();
        if (random.Next(10) == 0) frame = frame[..random.Next(Math.Min(frame.Length, 90) + 1)];
        if (random.Next(3) == 0 && frame.Length > 0)
        {
            for (int i = random.Next(3); i >= 0; i--) frame[random.Next(Math.Min(frame.Length, 80))] = (byte)random.Next(256);
        }

        return frame;
    }
}
