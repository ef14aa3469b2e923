using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;
using L = Mergeflow.Nic.KernelLayout;

namespace Mergeflow.Nic;

/// <content>
/// Into a tunnel: room for the outer headers is made while the frame is as it came, so that a frame without room is software's; then the frame behind them is changed; last come lengths, source port and checksum
/// (<see cref="FinishOuter"/>).
/// </content>
internal sealed partial class KernelProgram
{
    private const int FrontAt = -336;
    private const int MaxIpBytes = 65_535;
    private const int Sctp = 132;
    private const int OuterIpv4 = 1 << 1;
    private const int OuterIpv6 = 1 << 2;
    private const int OuterGre = 1 << 3;
    private const int OuterUdp = 1 << 4;
    private const int EthernetInside = 1 << 6;

    /// <summary>Something puts outer headers with IPv6 on.</summary>
    private bool EncapsIpv6 => (_features & KernelFeatures.EncapIpv6) != 0;

    /// <summary>Most bytes that are put in front.</summary>
    private int MaxFrontBytes => MaxFrontBytesOver(EncapsIpv6);

    /// <summary>Most bytes of outer headers with that network.</summary>
    internal static int MaxFrontBytesOver(bool isIpv6) => isIpv6 ? L.MaxFrontBytes : L.MaxFrontBytes - (Ipv6Bytes - Ipv4Bytes);

    /// <summary>R7 the frame behind what has been put in front of it. R2 is lost.</summary>
    private void SkipFront()
    {
        _a.LoadFrom(BpfSize.Double, R2, R10, FrontAt);
        _a.Alu(BpfAlu.And, R2, 127);
        _a.Alu(BpfAlu.Add, R7, R2);
    }

    /// <summary>R8 slot. Goes on here if the rule puts outer headers on; <paramref name="flags"/> = its flags.</summary>
    private void LeaveUnlessEncap(BpfRegister flags, BpfLabel done)
    {
        BpfLabel some = _a.NewLabel();
        _a.LoadFrom(BpfSize.Word, flags, R8, L.Flags);
        _a.Jump(BpfJump.AnyBit, flags, (int)KernelFlags.Encap, some);
        _a.Jump(done);
        _a.Place(some);
    }

    /// <summary>R3 length of the longest frame that leaves, which grows; one that no IP header can say is a miss. R1 and R2 are kept.</summary>
    private void AddFront()
    {
        BpfLabel done = _a.NewLabel();
        LeaveUnlessEncap(R4, done);
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
        BpfLabel done = _a.NewLabel(), noTag = _a.NewLabel();
        LeaveUnlessEncap(R1, done);

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

        BpfLabel sum = _a.NewLabel();
        _a.LoadFrom(BpfSize.Byte, R2, R8, L.FrontKind);
        if (!EncapsIpv6) _a.Jump(BpfJump.AnyBit, R2, (int)KernelFront.Ipv6, _miss);
        _a.Jump(BpfJump.AnyBit, R2, (int)KernelFront.Checksum, sum);
        _a.Jump(done);
        _a.Place(sum);
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
        BpfLabel done = _a.NewLabel();
        LeaveUnlessEncap(R1, done);
        if (_isTc) MakeFrontOfSkb();
        else MakeFrontOfXdp();
        _a.LoadFrom(BpfSize.Byte, R1, R8, L.Front);
        _a.Alu(BpfAlu.And, R1, 127);
        _a.Store(BpfSize.Double, R10, FrontAt, R1);
        WriteHeader();
        if (_isTc)
        {
            SkipFront();
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
        BpfLabel isUdp = _a.NewLabel(), isIpv4 = _a.NewLabel(), isGre = _a.NewLabel(), isIpv6 = _a.NewLabel();
        _a.LoadImmediate(R4, (ulong)(FixedSegments | OuterIpv4 | OuterUdp | EthernetInside) | ((ulong)EthernetBytes << 56));
        _a.LoadFrom(BpfSize.Byte, R5, R8, L.FrontKind);
        _a.Jump(BpfJump.AnyBit, R5, (int)KernelFront.Gre, isGre);
        _a.Jump(isUdp);
        _a.Place(isGre);
        _a.Alu(BpfAlu.Xor, R4, OuterUdp | OuterGre);
        _a.Place(isUdp);
        if (EncapsIpv6)
        {
            _a.Jump(BpfJump.AnyBit, R5, (int)KernelFront.Ipv6, isIpv6);
            _a.Jump(isIpv4);
            _a.Place(isIpv6);
            _a.Alu(BpfAlu.Xor, R4, OuterIpv4 | OuterIpv6);
            _a.Place(isIpv4);
        }

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
        NeedChecked(LeastGreBytes);
        LoadHeader(R3);
        _a.LoadFrom(BpfSize.Half, R2, R3, 0);
        _a.Store(BpfSize.Half, R7, 0, R2);
        _a.LoadFrom(BpfSize.Byte, R1, R8, L.Front);
        for (int at = 2; at < MaxFrontBytes - 2; at += 4)
        {
            if (at >= LeastGreBytes)
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
}
