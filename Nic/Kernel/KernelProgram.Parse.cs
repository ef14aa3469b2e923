using System.Buffers.Binary;
using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;

namespace Mergeflow.Nic;

/// <content>From a frame to the words of its key. What <see cref="NicParser"/> would leave without a header is a miss here.</content>
internal sealed partial class KernelProgram
{
    private const int EthernetBytes = 14;
    private const int TagBytes = 4;
    private const int Ipv4Bytes = 20;
    private const int Ipv6Bytes = 40;
    private const int TcpBytes = 20;
    private const int UdpBytes = 8;
    private const int Tcp = 6;
    private const int Udp = 17;
    private const int Icmp = 1;
    private const int Icmp6 = 58;

    /// <summary>Checksums of a frame that comes through here: the header's was verified, the transport's is declared good.</summary>
    private const int CsumBits = NicKey.Ipv4CsumOk | NicKey.L4CsumOk;

    /// <summary>Which words of a key the templates look at; the one with the TTL is looked at anyway.</summary>
    private bool Uses(int word) => word == 4 || (Encaps && word is 5 or 6 or >= 8 and < 12) || Array.Exists(_templates, t => t.Places.Contains(word));

    /// <summary>A number of 16 bits as a load from the frame gives it.</summary>
    private static int Raw16(int value) => BinaryPrimitives.ReverseEndianness((ushort)value);

    private void Need(int bytes)
    {
        _a.Mov(R1, R7);
        _a.Alu(BpfAlu.Add, R1, bytes);
        _a.Jump(BpfJump.Above, R1, R8, _miss);
    }

    /// <summary>Sets bits of the headers word, in the order of the frame.</summary>
    private void HasHeader(NicHeaders header)
    {
        _a.LoadFrom(BpfSize.Double, R1, R10, HeadersAt);
        _a.Alu(BpfAlu.Or, R1, Raw16((ushort)header));
        _a.Store(BpfSize.Double, R10, HeadersAt, R1);
    }

    /// <summary>What is inside has no tags that tc could change: they would lie in the frame, not beside it.</summary>
    private void Parse(bool isInside = false)
    {
        int mostTags = isInside && _isTc ? 0 : 2;
        for (int word = 4; word < 12; word++)
        {
            if (Uses(word)) _a.Store(BpfSize.Double, R10, KeyAt + (8 * word), 0);
        }

        for (int tags = 0; tags <= mostTags; tags++)
        {
            BpfLabel ipv4 = _a.NewLabel(), ipv6 = _a.NewLabel(), tagged = _a.NewLabel();
            int at = EthernetBytes + (TagBytes * tags);
            Need(at);
            _a.LoadFrom(BpfSize.Half, R1, R7, at - 2);
            _a.Jump(BpfJump.Equal, R1, Raw16(0x0800), ipv4);
            _a.Jump(BpfJump.Equal, R1, Raw16(0x86dd), ipv6);
            if (tags < mostTags)
            {
                _a.Jump(BpfJump.Equal, R1, Raw16(0x8100), tagged);
                _a.Jump(BpfJump.Equal, R1, Raw16(0x88a8), tagged);
            }

            _a.Jump(_miss);
            _a.Place(ipv4);
            ParseIpv4(tags, at);
            _a.Place(ipv6);
            ParseIpv6(tags, at);
            if (tags == mostTags) return;
            _a.Place(tagged);
            Need(at + TagBytes);
            _a.LoadFrom(BpfSize.Word, R2, R7, at - 2);
            if (_isTc)
            {
                KeepTag();
                continue;
            }

            _a.Store(BpfSize.Word, R10, TagsAt + (4 * tags), R2);
            HasHeader(tags == 0 ? NicHeaders.Vlan : NicHeaders.Vlan2);
        }
    }

    private void ParseIpv4(int tags, int at)
    {
        Need(at + Ipv4Bytes);
        _a.LoadFrom(BpfSize.Byte, R1, R7, at);
        _a.Jump(BpfJump.NotEqual, R1, 0x45, _miss);
        _a.LoadFrom(BpfSize.Half, R1, R7, at + 6);
        _a.Jump(BpfJump.AnyBit, R1, Raw16(0x3fff), _miss);

        // R3: bytes of the payload.
        _a.LoadFrom(BpfSize.Half, R3, R7, at + 2);
        _a.ToBigEndian(R3, 16);
        _a.LoadFrom(BpfSize.Double, R2, R10, DataLengthAt);
        _a.Alu(BpfAlu.Sub, R2, at);
        _a.Jump(BpfJump.Above, R3, R2, _miss);
        _a.Jump(BpfJump.Below, R3, Ipv4Bytes, _miss);
        _a.Alu(BpfAlu.Sub, R3, Ipv4Bytes);

        // The header's sum; its words as they lie in memory.
        _a.LoadFrom(BpfSize.Word, R1, R7, at);
        for (int i = 4; i < Ipv4Bytes; i += 4)
        {
            _a.LoadFrom(BpfSize.Word, R2, R7, at + i);
            _a.Alu(BpfAlu.Add, R1, R2);
        }

        Fold(R1, R2);
        _a.Jump(BpfJump.NotEqual, R1, 0xffff, _miss);

        _a.LoadFrom(BpfSize.Byte, R4, R7, at + 9);
        if (Uses(4))
        {
            _a.LoadFrom(BpfSize.Byte, R1, R7, at + 1);
            _a.Alu(BpfAlu.Lsh, R1, 8);
            _a.LoadFrom(BpfSize.Byte, R2, R7, at + 8);
            _a.Alu(BpfAlu.Lsh, R2, 16);
            _a.Alu(BpfAlu.Or, R1, R2);
            _a.Alu(BpfAlu.Or, R1, R4);
            _a.LoadFrom(BpfSize.Word, R2, R7, at + 12);
            _a.Alu(BpfAlu.Lsh, R2, 32);
            _a.Alu(BpfAlu.Or, R1, R2);
            _a.Store(BpfSize.Double, R10, KeyAt + 32, R1);
        }

        _a.LoadFrom(BpfSize.Word, R5, R7, at + 16);
        ParseTransport(tags, at + Ipv4Bytes, NicHeaders.Ipv4, Icmp, NicHeaders.Icmp);
    }

    private void ParseIpv6(int tags, int at)
    {
        Need(at + Ipv6Bytes);
        _a.LoadFrom(BpfSize.Byte, R1, R7, at);
        _a.Alu(BpfAlu.And, R1, 0xf0);
        _a.Jump(BpfJump.NotEqual, R1, 0x60, _miss);
        _a.LoadFrom(BpfSize.Half, R3, R7, at + 4);
        _a.ToBigEndian(R3, 16);
        _a.LoadFrom(BpfSize.Double, R2, R10, DataLengthAt);
        _a.Alu(BpfAlu.Sub, R2, at + Ipv6Bytes);
        _a.Jump(BpfJump.Above, R3, R2, _miss);
        _a.LoadFrom(BpfSize.Byte, R4, R7, at + 6);
        foreach (int extension in new[] { 0, 43, 44, 51, 60 }) _a.Jump(BpfJump.Equal, R4, extension, _miss);
        if (Uses(4))
        {
            _a.LoadFrom(BpfSize.Half, R1, R7, at);
            _a.ToBigEndian(R1, 16);
            _a.Alu(BpfAlu.Rsh, R1, 4);
            _a.Alu(BpfAlu.And, R1, 0xff);
            _a.Alu(BpfAlu.Lsh, R1, 8);
            _a.LoadFrom(BpfSize.Byte, R2, R7, at + 7);
            _a.Alu(BpfAlu.Lsh, R2, 16);
            _a.Alu(BpfAlu.Or, R1, R2);
            _a.Alu(BpfAlu.Or, R1, R4);
            _a.Store(BpfSize.Double, R10, KeyAt + 32, R1);
        }

        if (Uses(7))
        {
            _a.LoadFrom(BpfSize.Word, R1, R7, at);
            _a.Alu32(BpfAlu.And, R1, unchecked((int)0xffff0f00));
            _a.Store(BpfSize.Double, R10, KeyAt + 56, R1);
        }

        for (int word = 8; word < 12; word++)
        {
            if (!Uses(word)) continue;
            for (int half = 0; half < 8; half += 4)
            {
                // In halves: the verifier wants no aligned access, the stack does.
                _a.LoadFrom(BpfSize.Word, half == 0 ? R1 : R2, R7, at + 8 + (8 * (word - 8)) + half);
            }

            _a.Alu(BpfAlu.Lsh, R2, 32);
            _a.Alu(BpfAlu.Or, R1, R2);
            _a.Store(BpfSize.Double, R10, KeyAt + (8 * word), R1);
        }

        _a.Mov(R5, 0);
        ParseTransport(tags | KindIpv6, at + Ipv6Bytes, NicHeaders.Ipv6, Icmp6, NicHeaders.Icmp6);
    }

    /// <summary>R3 bytes of payload, R4 protocol, R5 IPv4 destination. Goes to the look-up.</summary>
    private void ParseTransport(int kind, int at, NicHeaders network, int icmpProtocol, NicHeaders icmpHeader)
    {
        BpfLabel tcp = _a.NewLabel(), udp = _a.NewLabel(), icmp = _a.NewLabel();
        _a.Store(BpfSize.Double, R10, KindAt, kind);
        _a.Jump(BpfJump.Equal, R4, Tcp, tcp);
        _a.Jump(BpfJump.Equal, R4, Udp, udp);
        _a.Jump(BpfJump.Equal, R4, icmpProtocol, icmp);
        if (Uses(5)) _a.Store(BpfSize.Double, R10, KeyAt + 40, R5);
        HasHeader(network);
        _a.Jump(_lookup);

        _a.Place(tcp);
        _a.Jump(BpfJump.Below, R3, TcpBytes, _miss);
        Need(at + TcpBytes);
        _a.LoadFrom(BpfSize.Byte, R1, R7, at + 12);
        _a.Alu(BpfAlu.Rsh, R1, 2);
        _a.Alu(BpfAlu.And, R1, 0x3c);
        _a.Jump(BpfJump.Below, R1, TcpBytes, _miss);
        _a.Jump(BpfJump.Above, R1, R3, _miss);
        EndOfHeaders(at);
        Ports(at);
        if (Uses(6))
        {
            _a.LoadFrom(BpfSize.Half, R1, R7, at + 12);
            _a.Alu(BpfAlu.And, R1, 0xff0f);
            _a.Store(BpfSize.Double, R10, KeyAt + 48, R1);
        }

        HasHeader(network | NicHeaders.Tcp);
        _a.Jump(_lookup);

        _a.Place(udp);
        _a.Jump(BpfJump.Below, R3, UdpBytes, _miss);
        Need(at + UdpBytes);
        _a.Mov(R1, UdpBytes);
        EndOfHeaders(at);
        Ports(at);
        HasHeader(network | NicHeaders.Udp);
        _a.Jump(_lookup);

        _a.Place(icmp);
        _a.Jump(BpfJump.Below, R3, UdpBytes, _miss);
        Need(at + UdpBytes);
        if (Uses(5)) _a.Store(BpfSize.Double, R10, KeyAt + 40, R5);
        if (Uses(6))
        {
            _a.LoadFrom(BpfSize.Half, R1, R7, at);
            _a.Alu(BpfAlu.Lsh, R1, 16);
            _a.Store(BpfSize.Double, R10, KeyAt + 48, R1);
        }

        HasHeader(network | icmpHeader);
        _a.Jump(_lookup);
    }

    private void Ports(int at)
    {
        if (!Uses(5)) return;
        _a.LoadFrom(BpfSize.Word, R1, R7, at);
        _a.Alu(BpfAlu.Lsh, R1, 32);
        _a.Alu(BpfAlu.Or, R1, R5);
        _a.Store(BpfSize.Double, R10, KeyAt + 40, R1);
    }

    /// <summary>The words of the key that hold addresses, type, headers, port and tags.</summary>
    private void ComposeKey()
    {
        Need(EthernetBytes);
        if (Uses(0))
        {
            _a.LoadFrom(BpfSize.Word, R1, R7, 0);
            _a.LoadFrom(BpfSize.Word, R2, R7, 4);
            _a.Alu(BpfAlu.Lsh, R2, 32);
            _a.Alu(BpfAlu.Or, R1, R2);
            _a.Store(BpfSize.Double, R10, KeyAt, R1);
        }

        if (Uses(1))
        {
            BpfLabel isIpv4 = _a.NewLabel();
            _a.LoadFrom(BpfSize.Double, R1, R10, HeadersAt);
            _a.Alu(BpfAlu.Lsh, R1, 16);
            _a.LoadFrom(BpfSize.Double, R3, R10, KindAt);
            _a.Mov(R2, Raw16(0x0800));
            _a.Jump(BpfJump.Below, R3, KindIpv6, isIpv4);
            _a.Mov(R2, Raw16(0x86dd));
            _a.Place(isIpv4);
            _a.Alu(BpfAlu.Or, R1, R2);
            _a.Alu(BpfAlu.Lsh, R1, 32);
            _a.LoadFrom(BpfSize.Word, R2, R7, 8);
            _a.Alu(BpfAlu.Or, R1, R2);
            _a.Store(BpfSize.Double, R10, KeyAt + 8, R1);
        }

        if (Uses(2))
        {
            _a.LoadFrom(BpfSize.Word, R1, R10, TagsAt);
            _a.Alu(BpfAlu.Lsh, R1, 32);
            _a.LoadFrom(BpfSize.Double, R2, R10, PortAt);
            _a.Alu(BpfAlu.Or, R1, R2);
            _a.Store(BpfSize.Double, R10, KeyAt + 16, R1);
        }

        if (!Uses(3)) return;
        _a.LoadFrom(BpfSize.Word, R1, R10, TagsAt + 4);
        _a.LoadImmediate(R2, (ulong)CsumBits << 32);
        _a.Alu(BpfAlu.Or, R1, R2);
        _a.Store(BpfSize.Double, R10, KeyAt + 24, R1);
    }

    /// <summary>A sum of words to 16 bits; 64 bits to begin with.</summary>
    private void Fold(BpfRegister sum, BpfRegister scratch)
    {
        foreach (int bits in new[] { 32, 32, 16, 16, 16 })
        {
            _a.Mov(scratch, sum);
            _a.Alu(BpfAlu.Rsh, scratch, bits);
            if (bits == 32) _a.Alu32(BpfAlu.Mov, sum, sum);
            else _a.Alu(BpfAlu.And, sum, 0xffff);
            _a.Alu(BpfAlu.Add, sum, scratch);
        }
    }
}
