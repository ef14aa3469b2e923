using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;
using L = Mergeflow.Nic.KernelLayout;

namespace Mergeflow.Nic;

/// <content>
/// Into a tunnel: room for the outer headers is made while the frame is as it came, so that a frame without room is software's; then the frame behind them is changed; last come lengths, source port and checksum.
/// A UDP checksum is that of what is known of the rest: a transport that has a right checksum adds up to the complement of its pseudo-header (the kernel's local checksum offload).
/// </content>
internal sealed partial class KernelProgram
{
    private const int FrontAt = -336;
    private const int MaxIpBytes = 65_535;
    private const int Sctp = 132;
    private const int OuterIpv4Udp = (1 << 1) | (1 << 4);
    private const int EthernetInside = 1 << 6;

    /// <summary>R7 the frame behind what has been put in front of it. R2 is lost.</summary>
    private void SkipFront()
    {
        _a.LoadFrom(BpfSize.Double, R2, R10, FrontAt);
        _a.Alu(BpfAlu.And, R2, 127);
        _a.Alu(BpfAlu.Add, R7, R2);
    }

    /// <summary>R3 length of the longest frame that leaves, which grows; one that no IPv4 header can say is a miss. R1 and R2 are kept.</summary>
    private void AddFront()
    {
        BpfLabel done = _a.NewLabel(), some = _a.NewLabel();
        _a.LoadFrom(BpfSize.Word, R4, R8, L.Flags);
        _a.Jump(BpfJump.AnyBit, R4, (int)KernelFlags.Encap, some);
        _a.Jump(done);
        _a.Place(some);
        _a.LoadFrom(BpfSize.Byte, R4, R8, L.Front);
        _a.Alu(BpfAlu.Add, R3, R4);
        _a.LoadFrom(BpfSize.Double, R5, R10, LengthAt);
        _a.Alu(BpfAlu.Add, R5, R4);
        _a.Jump(BpfJump.Above, R5, MaxIpBytes, _miss);
        _a.Place(done);
    }

    /// <summary>R8 slot. Whether the frame can be put into a tunnel: everything that is looked at of it, while it is as it came.</summary>
    private void CheckInner()
    {
        BpfLabel done = _a.NewLabel(), some = _a.NewLabel(), noTag = _a.NewLabel();
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
        _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.Encap, some);
        _a.Jump(done);
        _a.Place(some);

        // Software's hash, which becomes the source port, has its ports in it.
        _a.LoadFrom(BpfSize.Byte, R2, R10, KeyAt + 32);
        _a.Jump(BpfJump.Equal, R2, Sctp, _miss);
        if (_isTc)
        {
            // A tag beside the frame would come to lie outside.
            if (Decaps)
            {
                _a.LoadFrom(BpfSize.Double, R2, R10, InsideAt);
                _a.Jump(BpfJump.NotEqual, R2, 0, _miss);
            }

            _a.LoadFrom(BpfSize.Double, R2, R10, KindAt);
            _a.Jump(BpfJump.AnyBit, R2, KindIpv6 - 1, _miss);
            _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.PopTag, noTag);
            _a.LoadFrom(BpfSize.Double, R2, R10, HeadersAt);
            _a.Jump(BpfJump.AnyBit, R2, Raw16((ushort)NicHeaders.Vlan), _miss);
            _a.Place(noTag);
        }

        LoadHeader(R3);
        _a.LoadFrom(BpfSize.Half, R2, R3, OuterUdpAt + 6);
        _a.Jump(BpfJump.Equal, R2, 0, done);
        CheckSumOfInner(done);
        _a.Place(done);
    }

    /// <summary>R1 flags. What is inside has a transport whose checksum says what it adds up to, and nothing lies behind it.</summary>
    private void CheckSumOfInner(BpfLabel done)
    {
        BpfLabel unknown = Left(KernelLeft.ChecksumInside);
        if (_isTc)
        {
            _a.LoadFrom(BpfSize.Word, R2, R6, SkbSegmentBytes);
            _a.Jump(BpfJump.NotEqual, R2, 0, Left(KernelLeft.SuperFrameChecksum));
        }
        else if (Decaps)
        {
            _a.LoadFrom(BpfSize.Double, R2, R10, InsideAt);
            _a.Jump(BpfJump.NotEqual, R2, 0, unknown);
        }

        // As many tags as are taken off.
        BpfLabel noPop = _a.NewLabel(), hasPop = _a.NewLabel();
        BpfLabel[] kinds = [.. Enumerable.Range(0, KindCount).Select(_ => _a.NewLabel())];
        LoadFrame();
        _a.LoadFrom(BpfSize.Double, R3, R10, KindAt);
        if (!_isTc)
        {
            _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.PopTag, hasPop);
            _a.Jump(noPop);
            _a.Place(hasPop);
            foreach (int kind in new[] { 1, 1 | KindIpv6 }) _a.Jump(BpfJump.Equal, R3, kind, kinds[kind]);
            _a.Jump(unknown);
            _a.Place(noPop);
        }

        foreach (int kind in new[] { 0, KindIpv6 }) _a.Jump(BpfJump.Equal, R3, kind, kinds[kind]);
        _a.Jump(unknown);
        foreach (int kind in _isTc ? new[] { 0, KindIpv6 } : [0, KindIpv6, 1, 1 | KindIpv6])
        {
            bool isIpv6 = kind >= KindIpv6;
            int at = EthernetBytes + (TagBytes * (kind % KindIpv6)), l4 = at + (isIpv6 ? Ipv6Bytes : Ipv4Bytes);
            BpfLabel udp = _a.NewLabel();
            _a.Place(kinds[kind]);
            NeedChecked(l4);
            _a.LoadFrom(BpfSize.Half, R3, R7, at + (isIpv6 ? 4 : 2));
            _a.ToBigEndian(R3, 16);
            _a.Alu(BpfAlu.Add, R3, isIpv6 ? l4 : at);
            _a.LoadFrom(BpfSize.Double, R2, R10, DataLengthAt);
            _a.Jump(BpfJump.NotEqual, R2, R3, unknown);
            _a.LoadFrom(BpfSize.Byte, R3, R7, at + (isIpv6 ? 6 : 9));
            _a.Jump(BpfJump.Equal, R3, Tcp, done);
            _a.Jump(BpfJump.Equal, R3, isIpv6 ? Icmp6 : Icmp, done);
            _a.Jump(BpfJump.Equal, R3, Udp, udp);
            _a.Jump(unknown);
            _a.Place(udp);
            NeedChecked(l4 + UdpBytes);
            _a.LoadFrom(BpfSize.Half, R3, R7, l4 + 6);
            _a.Jump(BpfJump.Equal, R3, 0, unknown);
            _a.Jump(done);
        }
    }

    /// <summary>R8 slot. Makes room, and writes the headers as the rule has them.</summary>
    private void PutOn()
    {
        BpfLabel done = _a.NewLabel(), some = _a.NewLabel();
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
        _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.Encap, some);
        _a.Jump(done);
        _a.Place(some);
        if (_isTc) MakeFrontOfSkb();
        else MakeFrontOfXdp();
        _a.LoadFrom(BpfSize.Byte, R1, R8, L.Front);
        _a.Alu(BpfAlu.And, R1, 127);
        _a.Store(BpfSize.Double, R10, FrontAt, R1);
        WriteHeader();
        if (_isTc)
        {
            _a.LoadFrom(BpfSize.Double, R1, R10, FrontAt);
            _a.Alu(BpfAlu.And, R1, 127);
            _a.Alu(BpfAlu.Add, R7, R1);
            WriteEthernet();
        }

        _a.Place(done);
    }

    /// <summary>A tag that has been taken off comes back if there is no room.</summary>
    private void MakeFrontOfXdp()
    {
        BpfLabel hasRoom = _a.NewLabel(), restore = _a.NewLabel();
        _a.Mov(R1, R6);
        _a.LoadFrom(BpfSize.Byte, R3, R8, L.Front);
        _a.Mov(R2, 0);
        _a.Alu(BpfAlu.Sub, R2, R3);
        _a.Call(BpfHelper.XdpAdjustHead);
        _a.Jump(BpfJump.Equal, R0, 0, hasRoom);
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
        _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.PopTag, restore);
        _a.Jump(Left(KernelLeft.NoRoom));
        _a.Place(restore);
        Move(-TagBytes);
        _a.LoadFrom(BpfSize.Word, R2, R10, TagsAt);
        _a.Store(BpfSize.Word, R7, 12, R2);
        _a.Jump(Left(KernelLeft.NoRoom));
        _a.Place(hasRoom);
    }

    /// <summary>The helper puts bytes behind the Ethernet header, and says of the frame what the kernel's own tunnels say of theirs, so that a super-frame stays one. A tag goes first; it comes back if there is no room.</summary>
    private void MakeFrontOfSkb()
    {
        BpfLabel hasRoom = _a.NewLabel(), restore = _a.NewLabel(), popped = _a.NewLabel(), pop = _a.NewLabel();
        _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.PopTag, pop);
        _a.Jump(popped);
        _a.Place(pop);
        _a.Mov(R1, R6);
        _a.Call(BpfHelper.SkbVlanPop);
        _a.Jump(BpfJump.NotEqual, R0, 0, _miss);
        _a.Place(popped);
        LoadFrame();
        KeepEthernet();
        _a.Mov(R1, R6);
        _a.LoadFrom(BpfSize.Byte, R2, R8, L.Front);
        _a.Mov(R3, ByMac);
        _a.LoadImmediate(R4, (ulong)(FixedSegments | OuterIpv4Udp | EthernetInside) | ((ulong)EthernetBytes << 56));
        _a.Call(BpfHelper.SkbAdjustRoom);
        _a.Jump(BpfJump.Equal, R0, 0, hasRoom);
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
        _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.PopTag, restore);
        _a.Jump(Left(KernelLeft.NoRoom));
        _a.Place(restore);
        _a.LoadFrom(BpfSize.Half, R2, R10, TagsAt);
        _a.LoadFrom(BpfSize.Half, R3, R10, TagsAt + 2);
        PushTag();
        _a.Jump(Left(KernelLeft.NoRoom));
        _a.Place(hasRoom);
    }

    /// <summary>R8 slot. Leaves R7 the frame and R5 its end.</summary>
    private void WriteHeader()
    {
        BpfLabel written = _a.NewLabel();
        LoadFrame();
        NeedChecked(LeastFrontBytes);
        LoadHeader(R3);
        _a.LoadFrom(BpfSize.Half, R2, R3, 0);
        _a.Store(BpfSize.Half, R7, 0, R2);
        _a.LoadFrom(BpfSize.Byte, R1, R8, L.Front);
        for (int at = 2; at < L.MaxFrontBytes - 2; at += 4)
        {
            if (at >= LeastFrontBytes)
            {
                _a.Jump(BpfJump.BelowOrEqual, R1, at, written);
                NeedChecked(at + 4);
            }

            _a.LoadFrom(BpfSize.Word, R2, R3, at);
            _a.Store(BpfSize.Word, R7, at, R2);
        }

        _a.Place(written);
    }

    /// <summary>Address of the outer headers of the rule R8. R2 is lost.</summary>
    private void LoadHeader(BpfRegister register)
    {
        _a.LoadFrom(BpfSize.Half, register, R8, L.Header);
        _a.Alu(BpfAlu.And, register, L.HeaderCount - 1);
        _a.Alu(BpfAlu.Lsh, register, L.HeaderShift);
        _a.LoadMapValue(R2, _memory.Headers.Descriptor, 0);
        _a.Alu(BpfAlu.Add, register, R2);
    }

    /// <summary>What is inside is as it will be: lengths, source port and checksum of the headers in front of it.</summary>
    private void FinishOuter()
    {
        BpfLabel done = _a.NewLabel();
        _a.LoadFrom(BpfSize.Double, R1, R10, FrontAt);
        _a.Jump(BpfJump.Equal, R1, 0, done);
        HashOfInner();

        // R0 hash: the port is that share of the range.
        const int start = 32_768, count = 61_000 - start;
        _a.Alu(BpfAlu.Mul, R0, count);
        _a.Alu(BpfAlu.Rsh, R0, 32);
        _a.Alu(BpfAlu.Add, R0, start);
        _a.ToBigEndian(R0, 16);
        LoadFrame();
        NeedChecked(LeastFrontBytes + EthernetBytes);
        _a.Store(BpfSize.Half, R7, OuterUdpAt, R0);
        if (_isTc) _a.LoadFrom(BpfSize.Word, R3, R6, SkbLength);
        else
        {
            _a.Mov(R3, R5);
            _a.Alu(BpfAlu.Sub, R3, R7);
        }

        _a.Alu(BpfAlu.Sub, R3, OuterIpAt);
        _a.Mov(R2, R3);
        _a.ToBigEndian(R2, 16);
        _a.Store(BpfSize.Half, R7, OuterIpAt + 2, R2);

        // RFC 1624, equation 3; it was 0.
        _a.LoadFrom(BpfSize.Half, R4, R7, OuterIpAt + 10);
        _a.Alu(BpfAlu.Xor, R4, 0xffff);
        _a.Alu(BpfAlu.Add, R4, 0xffff);
        _a.Alu(BpfAlu.Add, R4, R2);
        Fold(R4, R0);
        _a.Alu(BpfAlu.Xor, R4, 0xffff);
        _a.Store(BpfSize.Half, R7, OuterIpAt + 10, R4);
        _a.Alu(BpfAlu.Sub, R3, Ipv4Bytes);
        _a.ToBigEndian(R3, 16);
        _a.Store(BpfSize.Half, R7, OuterUdpAt + 4, R3);
        _a.LoadFrom(BpfSize.Half, R2, R7, OuterUdpAt + 6);
        _a.Jump(BpfJump.Equal, R2, 0, done);
        SumOuter();
        _a.Place(done);
    }

    /// <summary>R7 frame, R5 its end, R3 UDP length as it lies in the frame.</summary>
    private void SumOuter()
    {
        BpfLabel ipv6 = _a.NewLabel(), fold = _a.NewLabel(), noPorts = _a.NewLabel(), options = _a.NewLabel();

        // R4: pseudo-header, UDP header, tunnel header and its options.
        _a.Mov(R4, R3);
        _a.Alu(BpfAlu.Add, R4, R3);
        _a.Alu(BpfAlu.Add, R4, Raw16(Udp));
        foreach (int at in new[] { OuterIpAt + 12, OuterIpAt + 16, OuterUdpAt, TunnelAt, TunnelAt + 4 }) AddWord(at);
        _a.LoadFrom(BpfSize.Double, R1, R10, FrontAt);
        _a.Alu(BpfAlu.And, R1, 127);
        for (int at = LeastFrontBytes; at < L.MaxFrontBytes - 2; at += 4)
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
        NeedChecked(LeastFrontBytes);
        _a.Store(BpfSize.Half, R7, OuterUdpAt + 6, R4);
    }

    private void AddWord(int at)
    {
        _a.LoadFrom(BpfSize.Word, R2, R7, at);
        _a.Alu(BpfAlu.Add, R4, R2);
    }

    /// <summary>R0: the flow's hash as software's DpHashFunction has it with key and basis 0; of the key as it came in, and what the rule has written. R8 slot.</summary>
    private void HashOfInner()
    {
        BpfLabel ipv6 = _a.NewLabel(), ports = _a.NewLabel();
        _a.LoadFrom(BpfSize.Double, R1, R10, KindAt);
        _a.Jump(BpfJump.AboveOrEqual, R1, KindIpv6, ipv6);

        // R3 and R4: addresses.
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
        _a.LoadFrom(BpfSize.Word, R3, R10, KeyAt + 36);
        _a.LoadFrom(BpfSize.Word, R4, R10, KeyAt + 40);
        If(KernelFlags.SetIpSrc, () => _a.LoadFrom(BpfSize.Word, R3, R8, L.Ipv4Src));
        If(KernelFlags.SetIpDst, () => _a.LoadFrom(BpfSize.Word, R4, R8, L.Ipv4Dst));
        _a.ToBigEndian(R3, 32);
        _a.ToBigEndian(R4, 32);
        _a.Jump(ports);
        _a.Place(ipv6);
        FoldAddress(KernelFlags.SetIpSrc, 64, L.Ipv6Src);
        _a.Mov(R4, R3);
        FoldAddress(KernelFlags.SetIpDst, 80, L.Ipv6Dst);
        _a.Mov(R0, R3);
        _a.Mov(R3, R4);
        _a.Mov(R4, R0);

        _a.Place(ports);
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
        AddPort(R3, KernelFlags.SetTpSrc, 44, L.TpSrc, 50);
        AddPort(R4, KernelFlags.SetTpDst, 46, L.TpDst, 51);
        Mix(R3);
        Mix(R4);
        _a.LoadImmediate(R2, 0x9E37_79B9_7F4A_7C15);
        _a.Alu(BpfAlu.Mul, R4, R2);
        _a.Alu(BpfAlu.Add, R3, R4);
        _a.LoadFrom(BpfSize.Byte, R2, R10, KeyAt + 32);
        _a.Alu(BpfAlu.Lsh, R2, 56);
        _a.Alu(BpfAlu.Xor, R3, R2);
        Mix(R3);
        _a.Mov(R0, R3);
        _a.Alu(BpfAlu.Rsh, R0, 32);
    }

    /// <summary>R3: the high half mixed, and the low one. R0 to R2 are lost.</summary>
    private void FoldAddress(KernelFlags flag, int keyAt, int slotAt)
    {
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
        _a.LoadFrom(BpfSize.Double, R3, R10, KeyAt + keyAt);
        _a.LoadFrom(BpfSize.Double, R0, R10, KeyAt + keyAt + 8);
        If(flag, () =>
        {
            _a.LoadFrom(BpfSize.Double, R3, R8, slotAt);
            _a.LoadFrom(BpfSize.Double, R0, R8, slotAt + 8);
        });
        _a.ToBigEndian(R3, 64);
        _a.ToBigEndian(R0, 64);
        Mix(R3);
        _a.Alu(BpfAlu.Xor, R3, R0);
    }

    /// <summary>R1 flags. A port, or the ICMP type or code; of a packet without either it is 0. R0 and R2 are lost.</summary>
    private void AddPort(BpfRegister address, KernelFlags flag, int keyAt, int slotAt, int icmpAt)
    {
        _a.LoadFrom(BpfSize.Half, R0, R10, KeyAt + keyAt);
        If(flag, () => _a.LoadFrom(BpfSize.Half, R0, R8, slotAt));
        _a.ToBigEndian(R0, 16);
        _a.LoadFrom(BpfSize.Byte, R2, R10, KeyAt + icmpAt);
        _a.Alu(BpfAlu.Or, R0, R2);
        _a.Alu(BpfAlu.Lsh, R0, 40);
        _a.Alu(BpfAlu.Xor, address, R0);
    }

    /// <summary>The finaliser of MurmurHash3. R2 is lost.</summary>
    private void Mix(BpfRegister x)
    {
        foreach (ulong multiplier in new[] { 0xff51_afd7_ed55_8ccdUL, 0xc4ce_b9fe_1a85_ec53 })
        {
            _a.Mov(R2, x);
            _a.Alu(BpfAlu.Rsh, R2, 33);
            _a.Alu(BpfAlu.Xor, x, R2);
            _a.LoadImmediate(R2, multiplier);
            _a.Alu(BpfAlu.Mul, x, R2);
        }

        _a.Mov(R2, x);
        _a.Alu(BpfAlu.Rsh, R2, 33);
        _a.Alu(BpfAlu.Xor, x, R2);
    }
}
