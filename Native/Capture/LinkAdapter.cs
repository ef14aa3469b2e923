using System.Runtime.CompilerServices;

namespace Mergeflow.Native;

/// <summary>Gives frames of other link types an Ethernet header, in a buffer of its own. Numbers are those of www.tcpdump.org/linktypes.html.</summary>
internal sealed unsafe class LinkAdapter : IDisposable
{
    public const uint Ethernet = 1;
    private const uint BsdNull = 0;
    private const uint BsdLoop = 108;
    private const uint RawIp = 101;
    private const uint RawIpOfBsd = 12;
    private const uint RawIpOfOpenBsd = 14;
    private const uint RawIpv4 = 228;
    private const uint RawIpv6 = 229;
    private const uint LinuxCooked = 113;
    private const uint LinuxCooked2 = 276;

    private const int EthernetHeaderBytes = 14;
    private const ushort EthTypeIpv4 = 0x0800;
    private const ushort EthTypeIpv6 = 0x86dd;

    private readonly PinnedBlock _buffer = PinnedMemory.Allocate(EthernetHeaderBytes + CaptureFile.MaxFrameBytes);

    public static bool Supports(uint linkType) => linkType is Ethernet or BsdNull or BsdLoop or RawIp or RawIpOfBsd or RawIpOfOpenBsd
        or RawIpv4 or RawIpv6 or LinuxCooked or LinuxCooked2;

    /// <summary>
    /// Rewrites the record. A frame too short for its own link header becomes an empty one. Addresses that the link type does not
    /// hold are 0, the destination of a Linux cooked broadcast is ff:ff:ff:ff:ff:ff.
    /// </summary>
    public void ToEthernet(ref CaptureRecord record)
    {
        byte* from = record.Data;
        int headerBytes = record.LinkType switch { LinuxCooked => 16, LinuxCooked2 => 20, BsdNull or BsdLoop => 4, _ => 0 };
        int payloadBytes = record.CapturedBytes - headerBytes;
        int originalBytes = Math.Max(record.OriginalBytes - headerBytes, 0) + EthernetHeaderBytes;
        byte* to = _buffer.Pointer;
        record.Data = to;
        record.OriginalBytes = originalBytes;
        if (payloadBytes < 0)
        {
            record.CapturedBytes = 0;
            return;
        }

        Unsafe.InitBlockUnaligned(to, 0, EthernetHeaderBytes);
        switch (record.LinkType)
        {
            case LinuxCooked:
                CookedAddresses(to, packetType: from[1], addressBytes: from[5], address: from + 6);
                EthTypeOrLength(to, (ushort)((from[14] << 8) | from[15]), originalBytes);
                break;
            case LinuxCooked2:
                CookedAddresses(to, packetType: from[10], addressBytes: from[11], address: from + 12);
                EthTypeOrLength(to, (ushort)((from[0] << 8) | from[1]), originalBytes);
                break;
            default:
                bool isIpv6 = record.LinkType == RawIpv6 || (record.LinkType != RawIpv4 && payloadBytes > 0 && from[headerBytes] >> 4 == 6);
                EthType(to, isIpv6 ? EthTypeIpv6 : EthTypeIpv4);
                break;
        }

        Unsafe.CopyBlockUnaligned(to + EthernetHeaderBytes, from + headerBytes, (uint)payloadBytes);
        record.CapturedBytes = payloadBytes + EthernetHeaderBytes;
    }

    public void Dispose() => _buffer.Dispose();

    private static void CookedAddresses(byte* to, byte packetType, byte addressBytes, byte* address)
    {
        const byte Broadcast = 1;
        if (packetType == Broadcast) Unsafe.InitBlockUnaligned(to, 0xff, 6);
        if (addressBytes == 6) Unsafe.CopyBlockUnaligned(to + 6, address, 6);
    }

    private static void EthTypeOrLength(byte* to, ushort protocol, int originalBytes)
    {
        // Below 1536 Linux has codes of its own; 4 is "802.2 header follows", where Ethernet has the length.
        const ushort Ieee8022 = 4;
        bool isLength = protocol == Ieee8022 && originalBytes - EthernetHeaderBytes <= 1500;
        EthType(to, isLength ? (ushort)(originalBytes - EthernetHeaderBytes) : protocol);
    }

    private static void EthType(byte* to, ushort value)
    {
        to[12] = (byte)(value >> 8);
        to[13] = (byte)value;
    }
}
