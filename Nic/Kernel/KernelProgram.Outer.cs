using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;
using L = Mergeflow.Nic.KernelLayout;

namespace Mergeflow.Nic;

/// <content>
/// Outer headers that have been put on: lengths, the IPv4 header sum, the UDP source port and checksum. The checksum is that of what is known of the rest: a transport that has a right checksum adds up to the complement
/// of its pseudo-header (the kernel's local checksum offload). GRE has none of them.
/// </content>
internal sealed partial class KernelProgram
{
    /// <summary>Bytes of the longest Geneve option, its own header with it.</summary>
    private const int MaxOptionBytes = 12;

    /// <summary>What is inside is as it will be. R8 slot.</summary>
    private void FinishOuter()
    {
        BpfLabel done = _a.NewLabel(), noPort = _a.NewLabel(), ipv6 = _a.NewLabel();
        _a.LoadFrom(BpfSize.Double, R1, R10, FrontAt);
        _a.Jump(BpfJump.Equal, R1, 0, done);
        _a.LoadFrom(BpfSize.Byte, R1, R8, L.FrontKind);
        _a.Mov(R0, 0);
        _a.Jump(BpfJump.AnyBit, R1, (int)KernelFront.Gre, noPort);
        HashOfInner();

        // R0 hash: the port is that share of the range.
        const int start = 32_768, count = 61_000 - start;
        _a.Alu(BpfAlu.Mul, R0, count);
        _a.Alu(BpfAlu.Rsh, R0, 32);
        _a.Alu(BpfAlu.Add, R0, start);
        _a.ToBigEndian(R0, 16);
        _a.Place(noPort);
        LoadFrame();
        if (_isTc) _a.LoadFrom(BpfSize.Word, R3, R6, SkbLength);
        else
        {
            _a.Mov(R3, R5);
            _a.Alu(BpfAlu.Sub, R3, R7);
        }

        _a.LoadFrom(BpfSize.Byte, R1, R8, L.FrontKind);
        if (EncapsIpv6) _a.Jump(BpfJump.AnyBit, R1, (int)KernelFront.Ipv6, ipv6);
        FinishIpv4();
        FinishUdp(OuterUdpAt, done);
        if (EncapsIpv6)
        {
            _a.Place(ipv6);
            FinishIpv6();
            FinishUdp(OuterUdpAt - Ipv4Bytes + Ipv6Bytes, done);
        }

        _a.Place(done);
    }

    /// <summary>R7 frame, R5 its end, R3 its length; afterwards R3 is that of what the header carries. R0 and R1 are kept.</summary>
    private void FinishIpv4()
    {
        NeedChecked(LeastGreBytes + EthernetBytes);
        _a.Alu(BpfAlu.Sub, R3, OuterIpAt);
        _a.Mov(R2, R3);
        _a.ToBigEndian(R2, 16);
        _a.Store(BpfSize.Half, R7, OuterIpAt + 2, R2);

        // RFC 1624, equation 3; it was 0.
        _a.LoadFrom(BpfSize.Half, R4, R7, OuterIpAt + 10);
        _a.Alu(BpfAlu.Xor, R4, 0xffff);
        _a.Alu(BpfAlu.Add, R4, 0xffff);
        _a.Alu(BpfAlu.Add, R4, R2);
        Fold(R4, R2);
        _a.Alu(BpfAlu.Xor, R4, 0xffff);
        _a.Store(BpfSize.Half, R7, OuterIpAt + 10, R4);
        _a.Alu(BpfAlu.Sub, R3, Ipv4Bytes);
    }

    /// <summary>As <see cref="FinishIpv4"/>; there is no header sum.</summary>
    private void FinishIpv6()
    {
        NeedChecked(LeastGreBytes - Ipv4Bytes + Ipv6Bytes + EthernetBytes);
        _a.Alu(BpfAlu.Sub, R3, OuterIpAt + Ipv6Bytes);
        _a.Mov(R2, R3);
        _a.ToBigEndian(R2, 16);
        _a.Store(BpfSize.Half, R7, OuterIpAt + 4, R2);
    }

    /// <summary>R7 frame, R5 its end, R3 length of UDP, R0 source port, R1 kind. Goes to the end.</summary>
    private void FinishUdp(int at, BpfLabel done)
    {
        _a.Jump(BpfJump.AnyBit, R1, (int)KernelFront.Gre, done);
        NeedChecked(at + UdpBytes + TunnelBytes + EthernetBytes);
        _a.Store(BpfSize.Half, R7, at, R0);
        _a.ToBigEndian(R3, 16);
        _a.Store(BpfSize.Half, R7, at + 4, R3);
        _a.LoadFrom(BpfSize.Half, R2, R7, at + 6);
        _a.Jump(BpfJump.Equal, R2, 0, done);
        SumOuter(at);
        _a.Jump(done);
    }

    /// <summary>R7 frame, R5 its end, R3 UDP length as it lies in the frame. The UDP header begins at <paramref name="udpAt"/>.</summary>
    private void SumOuter(int udpAt)
    {
        BpfLabel ipv6 = _a.NewLabel(), fold = _a.NewLabel(), noPorts = _a.NewLabel(), options = _a.NewLabel();
        int optionsAt = udpAt + UdpBytes + TunnelBytes;

        // R4: pseudo-header, UDP header, tunnel header and its options.
        _a.Mov(R4, R3);
        _a.Alu(BpfAlu.Add, R4, R3);
        _a.Alu(BpfAlu.Add, R4, Raw16(Udp));
        for (int at = udpAt == OuterUdpAt ? OuterIpAt + 12 : OuterIpAt + 8; at < udpAt; at += 4) AddWord(at);
        foreach (int at in new[] { udpAt, udpAt + UdpBytes, udpAt + UdpBytes + 4 }) AddWord(at);
        _a.LoadFrom(BpfSize.Double, R1, R10, FrontAt);
        _a.Alu(BpfAlu.And, R1, 127);
        for (int at = optionsAt; at < optionsAt + MaxOptionBytes; at += 4)
        {
            _a.Jump(BpfJump.BelowOrEqual, R1, at, options);
            NeedChecked(at + 4);
            AddWord(at);
        }

        // What is inside, which has no tag: Ethernet, and IP without what cancels out with the transport.
        _a.Place(options);
        _a.Alu(BpfAlu.Add, R7, R1);
        NeedChecked(EthernetBytes + Ipv4Bytes);
        foreach (int at in new[] { 0, 4, 8 }) AddWord(at);
        _a.LoadFrom(BpfSize.Half, R2, R7, 12);
        _a.Alu(BpfAlu.Add, R4, R2);
        _a.Jump(BpfJump.Equal, R2, Raw16(0x86dd), ipv6);

        // The header adds up to nothing. The transport: to the complement of its pseudo-header, or, without one, to nothing.
        _a.LoadFrom(BpfSize.Byte, R3, R7, EthernetBytes + 9);
        _a.Jump(BpfJump.Equal, R3, Icmp, fold);
        _a.Alu(BpfAlu.Lsh, R3, 8);
        _a.LoadFrom(BpfSize.Half, R2, R7, EthernetBytes + 2);
        _a.ToBigEndian(R2, 16);
        _a.Alu(BpfAlu.Sub, R2, Ipv4Bytes);
        _a.ToBigEndian(R2, 16);
        _a.Alu(BpfAlu.Add, R3, R2);
        foreach (int at in new[] { EthernetBytes + 12, EthernetBytes + 16 })
        {
            _a.LoadFrom(BpfSize.Word, R2, R7, at);
            _a.Alu(BpfAlu.Add, R3, R2);
        }

        _a.Jump(noPorts);
        _a.Place(ipv6);
        NeedChecked(EthernetBytes + Ipv6Bytes);
        AddWord(EthernetBytes);
        AddWord(EthernetBytes + 4);
        _a.LoadFrom(BpfSize.Byte, R3, R7, EthernetBytes + 6);
        _a.Alu(BpfAlu.Lsh, R3, 8);
        _a.LoadFrom(BpfSize.Half, R2, R7, EthernetBytes + 4);
        _a.Alu(BpfAlu.Add, R3, R2);
        _a.Place(noPorts);
        Fold(R3, R0);
        _a.Alu(BpfAlu.Xor, R3, 0xffff);
        _a.Alu(BpfAlu.Add, R4, R3);
        _a.Place(fold);
        Fold(R4, R0);
        _a.Alu(BpfAlu.Xor, R4, 0xffff);
        BpfLabel hasSum = _a.NewLabel();
        _a.Jump(BpfJump.NotEqual, R4, 0, hasSum);
        _a.Mov(R4, 0xffff);
        _a.Place(hasSum);
        LoadFrame();
        NeedChecked(optionsAt);
        _a.Store(BpfSize.Half, R7, udpAt + 6, R4);
    }

    private void AddWord(int at)
    {
        _a.LoadFrom(BpfSize.Word, R2, R7, at);
        _a.Alu(BpfAlu.Add, R4, R2);
    }
}
