using System.Buffers.Binary;
using System.Net;
using System.Text.Json;

namespace Mergeflow.Tests;

/// <summary>A best-effort parse of a well-formed frame, independent of the engine's parser on purpose: the judge must not share its mistakes.</summary>
internal sealed class SimplePacket
{
    private readonly byte[] _frame;

    public SimplePacket(string hex)
    {
        _frame = Convert.FromHexString(hex);
        int at = 12;
        int type = U16(at);
        while (type is 0x8100 or 0x88a8) type = U16(at += 4);
        EtherType = type;
        L3 = at + 2;
        if (type == 0x800)
        {
            Proto = _frame[L3 + 9];
            NwSrc = new IPAddress(_frame.AsSpan(L3 + 12, 4)).ToString();
            NwDst = new IPAddress(_frame.AsSpan(L3 + 16, 4)).ToString();
            L4 = L3 + ((_frame[L3] & 15) * 4);
        }
        else if (type == 0x86dd)
        {
            Proto = _frame[L3 + 6];
            NwSrc = new IPAddress(_frame.AsSpan(L3 + 8, 16)).ToString();
            NwDst = new IPAddress(_frame.AsSpan(L3 + 24, 16)).ToString();
            L4 = L3 + 40;
        }
        if (Proto is 6 or 17 && _frame.Length >= L4 + 4) (SrcPort, DstPort) = (U16(L4), U16(L4 + 2));
    }

    public int EtherType { get; }

    public int Proto { get; }

    public string NwSrc { get; } = "";

    public string NwDst { get; } = "";

    public int SrcPort { get; }

    public int DstPort { get; }

    public ReadOnlySpan<byte> EthDst => _frame.AsSpan(0, 6);

    public ReadOnlySpan<byte> EthSrc => _frame.AsSpan(6, 6);

    private int L3 { get; }

    private int L4 { get; }

    /// <summary>A field by the name that <c>groups_check</c> uses.</summary>
    public string FieldText(JsonElement name) => name.GetString() switch
    {
        "src" => Convert.ToHexStringLower(EthSrc),
        "dst" => Convert.ToHexStringLower(EthDst),
        "etype" => EtherType.ToString(),
        "nw_src" => NwSrc,
        "nw_dst" => NwDst,
        "proto" => Proto.ToString(),
        "sport" => SrcPort.ToString(),
        "dport" => DstPort.ToString(),
        string other => throw new InvalidDataException($"groups_check names the field {other}"),
        null => throw new InvalidDataException("groups_check: null"),
    };

    /// <summary>The checksums that are wrong, of an unfragmented IPv4 TCP, UDP or ICMP frame.</summary>
    public List<string> WrongChecksums()
    {
        List<string> wrong = [];
        if (EtherType != 0x800) return wrong;
        if (NicFrame.Checksum(_frame.AsSpan(L3, L4 - L3)) != 0) wrong.Add("ip");
        if ((U16(L3 + 6) & 0x3fff) != 0) return wrong;
        Span<byte> l4 = _frame.AsSpan(L4, L3 + U16(L3 + 2) - L4);
        byte[] pseudo = [.. _frame.AsSpan(L3 + 12, 8), 0, (byte)Proto, (byte)(l4.Length >> 8), (byte)l4.Length];
        byte[] covered = Proto == 1 ? l4.ToArray() : [.. pseudo, .. l4];
        bool isUnused = Proto == 17 && l4[6] == 0 && l4[7] == 0;
        if (Proto is 1 or 6 or 17 && !isUnused && NicFrame.Checksum(covered) != 0) wrong.Add("l4");
        return wrong;
    }

    /// <summary>A UDP datagram over IPv4 with right checksums.</summary>
    public static string BuildUdp(ReadOnlySpan<byte> ethDst, ReadOnlySpan<byte> ethSrc, string src, string dst, int srcPort, int dstPort, ReadOnlySpan<byte> data)
    {
        byte[] addresses = [.. IPAddress.Parse(src).GetAddressBytes(), .. IPAddress.Parse(dst).GetAddressBytes()];
        int udpSize = 8 + data.Length;
        byte[] udp = [.. Be(srcPort), .. Be(dstPort), .. Be(udpSize), 0, 0, .. data];
        int sum = NicFrame.Checksum([.. addresses, 0, 17, .. Be(udpSize), .. udp]);
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(6), (ushort)(sum == 0 ? 0xffff : sum));
        byte[] ip = [0x45, 0, .. Be(20 + udpSize), 0, 0, 0, 0, 64, 17, 0, 0, .. addresses];
        BinaryPrimitives.WriteUInt16BigEndian(ip.AsSpan(10), (ushort)NicFrame.Checksum(ip));
        return Convert.ToHexStringLower([.. ethDst, .. ethSrc, 8, 0, .. ip, .. udp]);
    }

    private static byte[] Be(int value) => [(byte)(value >> 8), (byte)value];

    private int U16(int at) => BinaryPrimitives.ReadUInt16BigEndian(_frame.AsSpan(at));
}
