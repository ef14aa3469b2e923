using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;
using L = Mergeflow.Nic.KernelLayout;

namespace Mergeflow.Nic;

/// <content>
/// Out of a tunnel: a rule says that the outer headers come off, and what is inside is looked up among the rules for that. Only if one is found does anything change; else the frame is software's, as it came.
/// The outer UDP checksum is not looked at, as no transport checksum is. Of GRE there may be a key; one with a checksum or a sequence number is software's.
/// </content>
internal sealed partial class KernelProgram
{
    private const int InsideAt = -304;
    private const int OuterSlotAt = -312;
    private const int OuterLengthAt = -320;
    private const int CutAt = -328;
    private const int InnerEthernetAt = -352;
    private const int DevicePortAt = -360;

    /// <summary>Ethernet, IPv4, and GRE without a key: the shortest outer headers.</summary>
    internal const int LeastGreBytes = 38;

    /// <summary>VXLAN, and Geneve without options.</summary>
    internal const int TunnelBytes = 8;

    private const int OuterIpAt = 14;
    private const int OuterUdpAt = 34;
    private const int GreAt = 34;
    private const int GreBytes = 4;
    private const int GreKeyBytes = 4;
    private const int TunnelAt = 42;
    private const int OptionsAt = 50;

    /// <summary>Ethernet inside (OVS <c>ETH_TYPE_TEB</c>), in Geneve and GRE.</summary>
    private const int TransparentEthernet = 0x6558;
    private const int OptionHeadBytes = 4;
    private const int ByMac = 1;
    private const int FixedSegments = 1;
    private const int InsideIpv4 = 1 << 7;
    private const int InsideIpv6 = 1 << 8;

    /// <summary>Flags of the tunnel as they lie in the last word of a key: there was an identifier, a UDP checksum, the mark of Geneve OAM.</summary>
    private const int HasKey = 8 << 8, HasSum = 4 << 8, IsOam = 1 << 8;

    /// <summary>Frames that are left to software for a reason are counted under it, and are misses.</summary>
    private BpfLabel Left(KernelLeft reason)
    {
        if (!_left.TryGetValue(reason, out BpfLabel label)) _left[reason] = label = _a.NewLabel();
        return label;
    }

    private void CountLeft()
    {
        foreach ((KernelLeft reason, BpfLabel label) in _left.OrderBy(static l => l.Key))
        {
            _a.Place(label);
            _a.LoadMapValue(R1, _memory.Control.Descriptor, L.Left + (8 * (int)reason));
            _a.Mov(R2, 1);
            _a.Atomic(BpfAtomic.Add, BpfSize.Double, R1, 0, R2);
            _a.Jump(_miss);
        }
    }

    /// <summary>R8 the slot of the rule that takes outer headers off: reads them, then the frame inside, and looks it up.</summary>
    private void MatchInside()
    {
        BpfLabel geneve = _a.NewLabel(), gre = _a.NewLabel(), common = _a.NewLabel(), option = _a.NewLabel();
        BpfLabel odd = Left(KernelLeft.OuterHeader);
        _a.Place(_decap);

        // Once; and the offsets below are those of an untagged frame.
        _a.LoadFrom(BpfSize.Double, R1, R10, InsideAt);
        _a.Jump(BpfJump.NotEqual, R1, 0, _miss);
        _a.Store(BpfSize.Double, R10, InsideAt, 1);
        _a.LoadFrom(BpfSize.Double, R1, R10, KindAt);
        _a.Jump(BpfJump.NotEqual, R1, 0, _miss);
        _a.LoadFrom(BpfSize.Double, R1, R10, HeadersAt);
        _a.Jump(BpfJump.AnyBit, R1, Raw16((ushort)NicHeaders.Vlan), _miss);
        if (_isTc)
        {
            _a.LoadFrom(BpfSize.Word, R1, R6, SkbSegmentBytes);
            _a.Jump(BpfJump.NotEqual, R1, 0, Left(KernelLeft.SuperFrameInside));
        }

        _a.LoadFrom(BpfSize.Double, R1, R10, SlotAt);
        _a.Store(BpfSize.Double, R10, OuterSlotAt, R1);
        _a.LoadFrom(BpfSize.Double, R1, R10, LengthAt);
        _a.Store(BpfSize.Double, R10, OuterLengthAt, R1);
        _a.LoadFrom(BpfSize.Word, R1, R8, L.InnerPort);
        _a.ToBigEndian(R1, 32);
        _a.Store(BpfSize.Double, R10, PortAt, R1);
        _a.LoadFrom(BpfSize.Word, R4, R8, L.InnerOption);
        _a.LoadFrom(BpfSize.Byte, R5, R8, L.InnerTunnel);
        _a.LoadFrom(BpfSize.Word, R7, R6, DataOfContext);
        _a.LoadFrom(BpfSize.Word, R8, R6, EndOfContext);
        Need(LeastGreBytes);

        // Both lengths are those of the frame: what lies behind them is nothing that would go on.
        _a.LoadFrom(BpfSize.Half, R1, R7, OuterIpAt + 2);
        _a.ToBigEndian(R1, 16);
        _a.LoadFrom(BpfSize.Double, R2, R10, DataLengthAt);
        _a.Alu(BpfAlu.Sub, R2, OuterIpAt);
        _a.Jump(BpfJump.NotEqual, R1, R2, odd);
        if (Uses(14)) _a.Store(BpfSize.Double, R10, KeyAt + 112, 0);
        _a.Jump(BpfJump.Equal, R5, (int)FlowTunnelType.Gre, gre);
        Need(OptionsAt);
        _a.LoadFrom(BpfSize.Half, R1, R7, OuterUdpAt + 4);
        _a.ToBigEndian(R1, 16);
        _a.Alu(BpfAlu.Add, R1, Ipv4Bytes);
        _a.Jump(BpfJump.NotEqual, R1, R2, odd);

        // R0: flags, has_option and what else there is in their word. R3: bytes that come off.
        BpfLabel noSum = _a.NewLabel();
        _a.Mov(R0, HasKey);
        _a.LoadFrom(BpfSize.Half, R1, R7, OuterUdpAt + 6);
        _a.Jump(BpfJump.Equal, R1, 0, noSum);
        _a.Alu(BpfAlu.Or, R0, HasSum);
        _a.Place(noSum);
        if (Uses(12))
        {
            _a.LoadFrom(BpfSize.Word, R1, R7, TunnelAt + 4);
            _a.Alu(BpfAlu.Lsh, R1, 40);
            _a.Store(BpfSize.Double, R10, KeyAt + 96, R1);
        }

        _a.Mov(R3, OptionsAt);
        _a.Jump(BpfJump.NotEqual, R5, (int)FlowTunnelType.Vxlan, geneve);
        _a.LoadFrom(BpfSize.Word, R1, R7, TunnelAt);
        _a.Jump(BpfJump.NotEqual, R1, 0x08, odd);
        _a.LoadFrom(BpfSize.Byte, R1, R7, TunnelAt + 7);
        _a.Jump(BpfJump.NotEqual, R1, 0, odd);
        _a.Jump(common);

        _a.Place(geneve);
        BpfLabel noOam = _a.NewLabel();
        _a.LoadFrom(BpfSize.Half, R1, R7, TunnelAt + 2);
        _a.Jump(BpfJump.NotEqual, R1, Raw16(TransparentEthernet), odd);
        _a.LoadFrom(BpfSize.Byte, R1, R7, TunnelAt + 1);
        _a.Alu(BpfAlu.And, R1, 0x80);
        _a.Jump(BpfJump.Equal, R1, 0, noOam);
        _a.Alu(BpfAlu.Or, R0, IsOam);
        _a.Place(noOam);
        _a.LoadFrom(BpfSize.Byte, R1, R7, TunnelAt);
        _a.Jump(BpfJump.NotEqual, R1, 0, option);
        _a.Jump(common);

        // The one option that the rule knows, alone, or none.
        BpfLabel isLong = _a.NewLabel();
        _a.Place(option);
        _a.Jump(BpfJump.Equal, R4, 0, odd);
        Need(OptionsAt + OptionHeadBytes + 4);
        _a.LoadFrom(BpfSize.Byte, R1, R7, TunnelAt);
        _a.LoadFrom(BpfSize.Word, R2, R7, OptionsAt);
        _a.Jump(BpfJump.NotEqual, R2, R4, odd);
        _a.Alu(BpfAlu.Rsh, R4, 24);
        _a.Mov(R2, R4);
        _a.Alu(BpfAlu.Add, R2, 1);
        _a.Jump(BpfJump.NotEqual, R1, R2, odd);
        _a.LoadImmediate(R1, 1UL << 32);
        _a.Alu(BpfAlu.Or, R0, R1);
        _a.LoadFrom(BpfSize.Word, R2, R7, OptionsAt + OptionHeadBytes);
        _a.Jump(BpfJump.NotEqual, R4, 1, isLong);
        _a.Alu(BpfAlu.Lsh, R2, 32);
        if (Uses(14)) _a.Store(BpfSize.Double, R10, KeyAt + 112, R2);
        _a.Alu(BpfAlu.Add, R3, OptionHeadBytes + 4);
        _a.Jump(common);
        _a.Place(isLong);
        Need(OptionsAt + OptionHeadBytes + 8);
        _a.LoadFrom(BpfSize.Word, R1, R7, OptionsAt + OptionHeadBytes + 4);
        _a.Alu(BpfAlu.Lsh, R1, 32);
        _a.Alu(BpfAlu.Or, R2, R1);
        if (Uses(14)) _a.Store(BpfSize.Double, R10, KeyAt + 112, R2);
        _a.Alu(BpfAlu.Add, R3, OptionHeadBytes + 8);
        _a.Jump(common);

        _a.Place(gre);
        ReadGre(odd);
        _a.Place(common);
        ComposeTunnelKey();
        EnterInside();
        _lookup = _a.NewLabel();
        Parse(isInside: true);
        _a.Place(_lookup);
        Forget();
        ComposeKey();
        foreach (KernelTemplate t in _templates)
        {
            if (t.IsInside) Lookup(t);
        }

        _a.Jump(_miss);
    }

    /// <summary>R7 the outer frame. Leaves R0 flags and R3 bytes that come off.</summary>
    private void ReadGre(BpfLabel odd)
    {
        BpfLabel noKey = _a.NewLabel();
        const int keyPresent = 0x2000;
        _a.LoadFrom(BpfSize.Half, R1, R7, GreAt + 2);
        _a.Jump(BpfJump.NotEqual, R1, Raw16(TransparentEthernet), odd);
        _a.Mov(R0, 0);
        _a.Mov(R2, 0);
        _a.Mov(R3, GreAt + GreBytes);
        _a.LoadFrom(BpfSize.Half, R1, R7, GreAt);
        _a.Jump(BpfJump.Equal, R1, 0, noKey);
        _a.Jump(BpfJump.NotEqual, R1, Raw16(keyPresent), odd);
        Need(GreAt + GreBytes + GreKeyBytes);
        _a.Mov(R0, HasKey);
        _a.LoadFrom(BpfSize.Word, R2, R7, GreAt + GreBytes);
        _a.Alu(BpfAlu.Lsh, R2, 32);
        _a.Alu(BpfAlu.Add, R3, GreKeyBytes);
        _a.Place(noKey);
        if (Uses(12)) _a.Store(BpfSize.Double, R10, KeyAt + 96, R2);
    }

    /// <summary>R0 flags as in the last word, R7 the outer frame; R3 is kept.</summary>
    private void ComposeTunnelKey()
    {
        if (Uses(13))
        {
            _a.LoadFrom(BpfSize.Word, R1, R7, OuterIpAt + 12);
            _a.LoadFrom(BpfSize.Word, R2, R7, OuterIpAt + 16);
            _a.Alu(BpfAlu.Lsh, R2, 32);
            _a.Alu(BpfAlu.Or, R1, R2);
            _a.Store(BpfSize.Double, R10, KeyAt + 104, R1);
        }

        if (!Uses(15)) return;
        _a.LoadFrom(BpfSize.Byte, R1, R7, OuterIpAt + 1);
        _a.Alu(BpfAlu.Lsh, R1, 16);
        _a.Alu(BpfAlu.Or, R0, R1);
        _a.LoadFrom(BpfSize.Byte, R1, R7, OuterIpAt + 8);
        _a.Alu(BpfAlu.Lsh, R1, 24);
        _a.Alu(BpfAlu.Or, R0, R1);
        _a.Store(BpfSize.Double, R10, KeyAt + 120, R0);
    }

    /// <summary>R3 bytes that come off: from here on the frame is what is inside. To the verifier they are a number like any other, so that it walks the rest once.</summary>
    private void EnterInside()
    {
        _a.LoadFrom(BpfSize.Double, R2, R9, 0);
        _a.Alu(BpfAlu.Xor, R3, R2);
        _a.Alu(BpfAlu.Xor, R3, R2);
        _a.Alu(BpfAlu.And, R3, 127);
        _a.Store(BpfSize.Double, R10, CutAt, R3);
        foreach (int at in new[] { LengthAt, DataLengthAt })
        {
            _a.LoadFrom(BpfSize.Double, R1, R10, at);
            _a.Alu(BpfAlu.Sub, R1, R3);
            _a.Store(BpfSize.Double, R10, at, R1);
        }

        _a.Store(BpfSize.Double, R10, HeadersAt, Raw16((ushort)NicHeaders.Tunnel));
        _a.Store(BpfSize.Double, R10, TagsAt, 0);
        _a.Alu(BpfAlu.Add, R7, R3);
    }

    /// <summary>A rule for what is inside was found, R8 is its slot: the outer headers go, while the rest is as it came.</summary>
    private void TakeOff()
    {
        BpfLabel done = _a.NewLabel();
        _a.LoadFrom(BpfSize.Double, R1, R10, InsideAt);
        _a.Jump(BpfJump.Equal, R1, 0, done);
        if (!_isTc)
        {
            _a.Mov(R1, R6);
            _a.LoadFrom(BpfSize.Double, R2, R10, CutAt);
            _a.Call(BpfHelper.XdpAdjustHead);
            _a.Jump(BpfJump.NotEqual, R0, 0, Left(KernelLeft.NoRoom));
            _a.Place(done);
            return;
        }

        // The helper takes bytes from behind the Ethernet header, which then becomes that of what is inside.
        BpfLabel isIpv4 = _a.NewLabel();
        LoadFrame();
        _a.LoadFrom(BpfSize.Double, R1, R10, CutAt);
        _a.Alu(BpfAlu.And, R1, 127);
        _a.Alu(BpfAlu.Add, R7, R1);
        KeepEthernet();
        _a.LoadFrom(BpfSize.Double, R2, R10, CutAt);
        _a.Mov(R1, 0);
        _a.Alu(BpfAlu.Sub, R1, R2);
        _a.Mov(R2, R1);
        _a.Mov(R1, R6);
        _a.Mov(R3, ByMac);
        _a.Mov(R4, FixedSegments | InsideIpv4);
        _a.LoadFrom(BpfSize.Double, R5, R10, KindAt);
        _a.Jump(BpfJump.Below, R5, KindIpv6, isIpv4);
        _a.Mov(R4, FixedSegments | InsideIpv6);
        _a.Place(isIpv4);
        _a.Call(BpfHelper.SkbAdjustRoom);
        _a.Jump(BpfJump.NotEqual, R0, 0, Left(KernelLeft.NoRoom));
        LoadFrame();
        WriteEthernet();
        _a.Place(done);
    }

    /// <summary>R7 a frame, R5 its end.</summary>
    private void KeepEthernet()
    {
        NeedChecked(EthernetBytes);
        for (int i = 0; i < 12; i += 4)
        {
            _a.LoadFrom(BpfSize.Word, R2, R7, i);
            _a.Store(BpfSize.Word, R10, InnerEthernetAt + i, R2);
        }

        _a.LoadFrom(BpfSize.Half, R2, R7, 12);
        _a.Store(BpfSize.Half, R10, InnerEthernetAt + 12, R2);
    }

    /// <summary>R7 a frame, R5 its end.</summary>
    private void WriteEthernet()
    {
        NeedChecked(EthernetBytes);
        for (int i = 0; i < 12; i += 4)
        {
            _a.LoadFrom(BpfSize.Word, R2, R10, InnerEthernetAt + i);
            _a.Store(BpfSize.Word, R7, i, R2);
        }

        _a.LoadFrom(BpfSize.Half, R2, R10, InnerEthernetAt + 12);
        _a.Store(BpfSize.Half, R7, 12, R2);
    }

    /// <summary>The rule by which the frame came out of its tunnel counts what was outside. R8 is kept.</summary>
    private void CountOuter()
    {
        BpfLabel done = _a.NewLabel();
        _a.LoadFrom(BpfSize.Double, R1, R10, InsideAt);
        _a.Jump(BpfJump.Equal, R1, 0, done);
        LoadSlot(R8, OuterSlotAt);
        _a.Mov(R2, 1);
        _a.LoadFrom(BpfSize.Double, R3, R10, OuterLengthAt);
        AddTo(L.Packets, R2);
        AddTo(L.Bytes, R3);
        _a.LoadMapValue(R2, _memory.Control.Descriptor, L.Clock);
        _a.LoadFrom(BpfSize.Double, R2, R2, 0);
        _a.Store(BpfSize.Double, R8, L.Last, R2);
        LoadSlot(R8, SlotAt);
        _a.Place(done);
    }

    /// <summary>The slot whose number is on the stack. R2 is lost.</summary>
    private void LoadSlot(BpfRegister register, int at)
    {
        _a.LoadFrom(BpfSize.Double, register, R10, at);
        _a.Alu(BpfAlu.And, register, _memory.SlotCount - 1);
        _a.Alu(BpfAlu.Lsh, register, L.SlotShift);
        _a.LoadMapValue(R2, _memory.Slots.Descriptor, 0);
        _a.Alu(BpfAlu.Add, register, R2);
    }
}
