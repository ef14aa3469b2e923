using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Packets;

/// <summary>Makes a frame that is parsed as a given key (OVS <c>flow_compose</c>): for tests and for who wants to try a flow. What the key does not say is zero.</summary>
public static class FrameComposer
{
    /// <summary>Payload of protocols that carry one, bytes: its bytes are 0, 1, 2, ...</summary>
    public const int DefaultPayloadBytes = 64;

    private const int EthernetBytes = 14;
    private const int TagBytes = 4;
    private const ushort MoreFragments = 0x2000;
    private const ushort LaterOffset = 100;
    private const uint BottomOfStack = 0x100;
    private const byte FlagsThatEnd = 0x07;

    /// <summary>A frame of a key.</summary>
    /// <param name="key">As it is to be parsed; tunnels and metadata are not looked at.</param>
    /// <param name="payloadBytes">Of TCP without SYN, FIN and RST, UDP, and ICMP echoes.</param>
    public static byte[] Compose(in FlowKey key, int payloadBytes = DefaultPayloadBytes)
    {
        List<byte> frame = [];
        Add(frame, key.DlDst);
        Add(frame, key.DlSrc);
        AddTag(frame, key.Vlan0Tci, key.Vlan0Tpid);
        AddTag(frame, key.Vlan1Tci, key.Vlan1Tpid);
        ushort type = key.DlType.Host;
        Add16(frame, type == EthType.None ? (ushort)EthernetBytes : type);
        int l3 = frame.Count;
        switch (type)
        {
            case EthType.Ip:
                AddIpv4(frame, key, payloadBytes);
                break;
            case EthType.Ipv6:
                AddIpv6(frame, key, payloadBytes);
                break;
            case EthType.Arp or EthType.Rarp:
                AddArp(frame, key);
                break;
            case EthType.Mpls or EthType.MplsMcast:
                AddMpls(frame, key);
                break;
        }

        byte[] bytes = [.. frame];
        Finish(bytes, l3, key);
        return bytes;
    }

    /// <summary>A frame of a key with a certain length: zeros behind it, lengths and checksums as they are to be then. Null if it is longer without payload.</summary>
    public static byte[]? ComposeOf(in FlowKey key, int lengthBytes)
    {
        byte[] bytes = Compose(key, 0);
        if (bytes.Length > lengthBytes) return null;
        int l3 = EthernetBytes + (key.Vlan0Tci.Raw == 0 ? 0 : TagBytes) + (key.Vlan1Tci.Raw == 0 ? 0 : TagBytes);
        Array.Resize(ref bytes, lengthBytes);
        if (key.DlType.Host == EthType.None) BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(l3 - 2), (ushort)lengthBytes);
        Finish(bytes, l3, key);
        return bytes;
    }

    private static bool IsLater(in FlowKey key) => (key.NwFrag & NwFrag.Later) != 0;

    private static void AddTag(List<byte> frame, Be16 tci, Be16 tpid)
    {
        if (tci.Raw == 0) return;
        Add16(frame, tpid.Raw == 0 ? EthType.Vlan : tpid.Host);

        // That there is a tag is no bit of the tag.
        Add16(frame, (ushort)(tci.Host & ~KeyMasks.VlanPresent));
    }

    private static void AddIpv4(List<byte> frame, in FlowKey key, int payloadBytes)
    {
        ushort fragment = (ushort)((key.NwFrag & NwFrag.Any) == 0 ? 0 : IsLater(key) ? MoreFragments | LaterOffset : MoreFragments);
        frame.AddRange([0x45, key.NwTos, 0, 0, 0, 0, (byte)(fragment >> 8), (byte)fragment, key.NwTtl, key.NwProto, 0, 0]);
        Add32(frame, key.NwSrc.Host);
        Add32(frame, key.NwDst.Host);
        if (!IsLater(key)) AddTransport(frame, key, payloadBytes);
    }

    private static void AddIpv6(List<byte> frame, in FlowKey key, int payloadBytes)
    {
        Add32(frame, (6u << 28) | ((uint)key.NwTos << 20) | (key.Ipv6Label.Host & 0xfffff));
        frame.AddRange([0, 0, key.NwProto, key.NwTtl]);
        Add(frame, key.Ipv6Src);
        Add(frame, key.Ipv6Dst);
        if (!IsLater(key)) AddTransport(frame, key, payloadBytes);
    }

    private static void AddArp(List<byte> frame, in FlowKey key)
    {
        frame.AddRange([0, 1, 8, 0, 6, 4, 0, key.NwProto]);
        bool isKnown = key.NwProto is 1 or 2;
        Add(frame, isKnown ? key.ArpSha : default);
        Add32(frame, isKnown ? key.NwSrc.Host : 0);
        Add(frame, isKnown ? key.ArpTha : default);
        Add32(frame, isKnown ? key.NwDst.Host : 0);
    }

    private static void AddMpls(List<byte> frame, in FlowKey key)
    {
        foreach (uint entry in (ReadOnlySpan<uint>)[key.MplsLse0.Host, key.MplsLse1.Host, key.MplsLse2.Host])
        {
            Add32(frame, entry);
            if ((entry & BottomOfStack) != 0) break;
        }
    }

    private static void AddTransport(List<byte> frame, in FlowKey key, int payloadBytes)
    {
        (ushort src, ushort dst) = (key.TpSrc.Host, key.TpDst.Host);
        bool isIpv4 = key.DlType.Host == EthType.Ip;
        switch (key.NwProto)
        {
            case IpProto.Tcp:
                Add16(frame, src);
                Add16(frame, dst);
                frame.AddRange(new byte[8]);
                Add16(frame, (ushort)((5 << 12) | (key.TcpFlags.Host & 0xfff)));
                frame.AddRange(new byte[6]);
                if ((key.TcpFlags.Host & FlagsThatEnd) == 0) AddPayload(frame, payloadBytes);
                break;
            case IpProto.Udp:
                Add16(frame, src);
                Add16(frame, dst);
                frame.AddRange(new byte[4]);
                AddPayload(frame, payloadBytes);
                break;
            case IpProto.Sctp:
                Add16(frame, src);
                Add16(frame, dst);
                frame.AddRange(new byte[8]);
                break;
            case IpProto.Icmp when isIpv4:
                frame.AddRange([(byte)src, (byte)dst, 0, 0, 0, 0, 0, 0]);
                if (src is 0 or 8 && dst == 0) AddPayload(frame, payloadBytes);
                break;
            case IpProto.Igmp when isIpv4:
                frame.AddRange([(byte)src, (byte)dst, 0, 0, 0, 0, 0, 0]);
                break;
            case IpProto.Icmpv6 when !isIpv4:
                frame.AddRange([(byte)src, (byte)dst, 0, 0, 0, 0, 0, 0]);
                if (dst != 0) break;
                if (src is 135 or 136) AddNeighbor(frame, key);
                else if (src is 128 or 129) AddPayload(frame, payloadBytes);
                break;
        }
    }

    private static void AddNeighbor(List<byte> frame, in FlowKey key)
    {
        Add(frame, key.NdTarget);
        if (key.ArpSha.ToUInt64() != 0)
        {
            frame.AddRange([1, 1]);
            Add(frame, key.ArpSha);
        }

        if (key.ArpTha.ToUInt64() != 0)
        {
            frame.AddRange([2, 1]);
            Add(frame, key.ArpTha);
        }
    }

    private static void AddPayload(List<byte> frame, int count)
    {
        for (int i = 0; i < count; i++) frame.Add((byte)i);
    }

    /// <summary>Lengths and checksums of the headers that are there.</summary>
    private static void Finish(byte[] frame, int l3, in FlowKey key)
    {
        bool isIpv4 = key.DlType.Host == EthType.Ip;
        if (!isIpv4 && key.DlType.Host != EthType.Ipv6) return;
        Span<byte> ip = frame.AsSpan(l3), l4 = ip[(isIpv4 ? 20 : 40)..];
        uint pseudo;
        if (isIpv4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)ip.Length);
            ip[10..12].Clear();
            Store(ip[10..], InternetChecksum.Compute(ip[..20]));
            pseudo = InternetChecksum.Sum(ip[12..20]);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)l4.Length);
            pseudo = InternetChecksum.Sum(ip[8..40]);
        }

        if (IsLater(key)) return;
        pseudo = InternetChecksum.Sum([0, key.NwProto, (byte)(l4.Length >> 8), (byte)l4.Length], pseudo);
        int at = key.NwProto switch { IpProto.Tcp => 16, IpProto.Udp => 6, IpProto.Icmp or IpProto.Igmp when isIpv4 => 2, IpProto.Icmpv6 when !isIpv4 => 2, _ => -1 };
        if (at < 0) return;
        if (key.NwProto == IpProto.Udp) BinaryPrimitives.WriteUInt16BigEndian(l4[4..], (ushort)l4.Length);
        l4.Slice(at, 2).Clear();
        ushort sum = InternetChecksum.Fold(InternetChecksum.Sum(l4, key.NwProto is IpProto.Icmp or IpProto.Igmp ? 0 : pseudo));
        Store(l4[at..], key.NwProto == IpProto.Udp && sum == 0 ? ushort.MaxValue : sum);
    }

    /// <summary>A checksum is in the order of the packet already.</summary>
    private static void Store(Span<byte> to, ushort checksum) => MemoryMarshal.Write(to, checksum);

    private static void Add16(List<byte> frame, ushort value) => frame.AddRange([(byte)(value >> 8), (byte)value]);

    private static void Add32(List<byte> frame, uint value) => frame.AddRange([(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value]);

    private static void Add(List<byte> frame, EthAddress address) => frame.AddRange(MemoryMarshal.AsBytes(new ReadOnlySpan<EthAddress>(in address)));

    private static void Add(List<byte> frame, Ipv6Address address) => frame.AddRange(MemoryMarshal.AsBytes(new ReadOnlySpan<Ipv6Address>(in address)));
}
