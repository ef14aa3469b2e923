using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;
using L = Mergeflow.Nic.KernelLayout;

namespace Mergeflow.Nic;

/// <content>What is different for tc: the context is a socket buffer (<c>struct __sk_buff</c>), not a frame alone.</content>
internal sealed partial class KernelProgram
{
    private const int XdpInterface = 12;
    private const int XdpQueue = 16;
    private const int SkbLength = 0;
    private const int SkbTagIsThere = 20;
    private const int SkbTci = 24;
    private const int SkbTpid = 28;
    private const int SkbInterface = 40;
    private const int SkbSegments = 164;
    private const int SkbSegmentBytes = 176;

    /// <summary><c>BPF_F_PSEUDO_HDR</c>: the change is one of the pseudo-header, which an unfinished checksum has in it.</summary>
    private const int OfPseudoHeader = 0x10;

    /// <summary><c>BPF_F_MARK_MANGLED_0</c>: of UDP, 0 stays 0 and nothing else becomes 0.</summary>
    private const int KeepsZero = 0x20;

    private int DataOfContext => _isTc ? 76 : 0;

    private int EndOfContext => _isTc ? 80 : 4;

    /// <summary>Its length, on the wire and in memory: a tag may lie beside it, which is the outer one.</summary>
    private void MeasureFrame()
    {
        if (!_isTc)
        {
            _a.Mov(R1, R8);
            _a.Alu(BpfAlu.Sub, R1, R7);
            _a.Store(BpfSize.Double, R10, LengthAt, R1);
            _a.Store(BpfSize.Double, R10, DataLengthAt, R1);
            return;
        }

        BpfLabel noTag = _a.NewLabel();
        _a.LoadFrom(BpfSize.Word, R2, R6, SkbLength);
        _a.Store(BpfSize.Double, R10, DataLengthAt, R2);
        _a.Store(BpfSize.Double, R10, HeaderEndAt, 0);
        _a.LoadFrom(BpfSize.Word, R1, R6, SkbTagIsThere);
        _a.Jump(BpfJump.Equal, R1, 0, noTag);
        _a.Alu(BpfAlu.Add, R2, TagBytes);
        _a.LoadFrom(BpfSize.Word, R1, R6, SkbTci);
        _a.ToBigEndian(R1, 16);
        _a.Alu(BpfAlu.Lsh, R1, 16);
        _a.LoadFrom(BpfSize.Word, R3, R6, SkbTpid);
        _a.Alu(BpfAlu.And, R3, 0xffff);
        _a.Alu(BpfAlu.Or, R1, R3);
        _a.Store(BpfSize.Word, R10, TagsAt, R1);
        _a.Store(BpfSize.Double, R10, HeadersAt, Raw16((ushort)NicHeaders.Vlan));
        _a.Place(noTag);
        _a.Store(BpfSize.Double, R10, LengthAt, R2);
    }

    /// <summary>R1 number of the port, kept.</summary>
    private void FindUpcall()
    {
        _a.Mov(R2, R1);
        _a.Alu(BpfAlu.And, R2, L.PortCount - 1);
        _a.Alu(BpfAlu.Mul, R2, L.PortBytes);
        _a.LoadMapValue(R3, _memory.Control.Descriptor, L.Ports);
        _a.Alu(BpfAlu.Add, R3, R2);
        _a.LoadFrom(BpfSize.Word, R2, R3, L.PortUpcall);
        _a.Store(BpfSize.Double, R10, UpcallAt, R2);
    }

    /// <summary>R2 a tag of the frame: the outer one, or, if one lies beside the frame or came before, the inner one. A third one is a type that nothing here knows.</summary>
    private void KeepTag()
    {
        BpfLabel inner = _a.NewLabel(), done = _a.NewLabel();
        _a.LoadFrom(BpfSize.Double, R1, R10, HeadersAt);
        _a.Jump(BpfJump.AnyBit, R1, Raw16((ushort)NicHeaders.Vlan2), _miss);
        _a.Jump(BpfJump.AnyBit, R1, Raw16((ushort)NicHeaders.Vlan), inner);
        _a.Store(BpfSize.Word, R10, TagsAt, R2);
        HasHeader(NicHeaders.Vlan);
        _a.Jump(done);
        _a.Place(inner);
        _a.Store(BpfSize.Word, R10, TagsAt + 4, R2);
        HasHeader(NicHeaders.Vlan2);
        _a.Place(done);
    }

    /// <summary>R1 bytes of the transport header, which begins at <paramref name="at"/>.</summary>
    private void EndOfHeaders(int at)
    {
        if (!_isTc) return;
        _a.Alu(BpfAlu.Add, R1, at);
        _a.Store(BpfSize.Double, R10, HeaderEndAt, R1);
    }

    /// <summary>R3 length; of a super-frame that of the frames that it is cut into.</summary>
    private void LengthOfSegment()
    {
        BpfLabel isOne = _a.NewLabel();
        _a.LoadFrom(BpfSize.Word, R4, R6, SkbSegmentBytes);
        _a.Jump(BpfJump.Equal, R4, 0, isOne);
        _a.LoadFrom(BpfSize.Double, R3, R10, HeaderEndAt);
        _a.Alu(BpfAlu.Add, R3, R4);
        _a.Place(isOne);
    }

    /// <summary>R2 packets, R3 bytes: of a super-frame those of the wire.</summary>
    private void CountSegments()
    {
        BpfLabel isOne = _a.NewLabel();
        _a.LoadFrom(BpfSize.Word, R4, R6, SkbSegments);
        _a.Jump(BpfJump.BelowOrEqual, R4, 1, isOne);
        _a.Mov(R2, R4);
        _a.Alu(BpfAlu.Sub, R4, 1);
        _a.LoadFrom(BpfSize.Double, R5, R10, HeaderEndAt);
        _a.Alu(BpfAlu.Mul, R4, R5);
        _a.Alu(BpfAlu.Add, R3, R4);
        _a.Place(isOne);
    }

    /// <summary>R4 what the addresses have changed. The kernel's helper knows whether the checksum is finished; it takes the frame's address away.</summary>
    private void RewriteTransportOfSkb(int at, int sumAt, int flags, bool hasPorts, BpfLabel send)
    {
        BpfLabel addressesDone = _a.NewLabel();
        _a.Mov(R3, 0);
        if (hasPorts) ReplacePorts(at, R3);
        _a.Store(BpfSize.Double, R10, PortSumAt, R3);
        _a.Jump(BpfJump.Equal, R4, 0, addressesDone);
        ReplaceSum(at + sumAt, flags | OfPseudoHeader);
        _a.Place(addressesDone);
        if (hasPorts)
        {
            _a.LoadFrom(BpfSize.Double, R4, R10, PortSumAt);
            _a.Jump(BpfJump.Equal, R4, 0, send);
            ReplaceSum(at + sumAt, flags);
        }

        _a.Jump(send);
    }

    private void ReplaceSum(int at, int flags)
    {
        // To 32 bits, as the helper takes it.
        for (int i = 0; i < 2; i++)
        {
            _a.Mov(R0, R4);
            _a.Alu(BpfAlu.Rsh, R0, 32);
            _a.Alu32(BpfAlu.Mov, R4, R4);
            _a.Alu(BpfAlu.Add, R4, R0);
        }

        _a.Mov(R1, R6);
        _a.Mov(R2, at);
        if (Encaps)
        {
            _a.LoadFrom(BpfSize.Double, R3, R10, FrontAt);
            _a.Alu(BpfAlu.Add, R2, R3);
        }

        _a.Mov(R3, 0);
        _a.Mov(R5, flags);
        _a.Call(BpfHelper.L4ChecksumReplace);
    }

    /// <summary>Tags last: a new one lies beside the frame. R8 slot.</summary>
    private void ChangeTags()
    {
        BpfLabel done = _a.NewLabel(), push = _a.NewLabel(), some = _a.NewLabel();
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);

        // One that is to be inside has been taken off in front of the outer headers.
        if (Encaps) _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.Encap, done);
        _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.PushTag, push);
        _a.Jump(BpfJump.AnyBit, R1, (int)(KernelFlags.SetTag | KernelFlags.PopTag), some);
        _a.Jump(done);
        _a.Place(some);
        _a.Mov(R1, R6);
        _a.Call(BpfHelper.SkbVlanPop);
        _a.Jump(BpfJump.NotEqual, R0, 0, _broken);
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
        _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.PopTag, done);

        // The same type, the bits of the mask.
        _a.LoadFrom(BpfSize.Half, R2, R10, TagsAt);
        _a.LoadFrom(BpfSize.Half, R3, R10, TagsAt + 2);
        _a.LoadFrom(BpfSize.Half, R4, R8, L.TciMask);
        _a.Alu(BpfAlu.Xor, R4, 0xffff);
        _a.Alu(BpfAlu.And, R3, R4);
        _a.LoadFrom(BpfSize.Half, R4, R8, L.Tci);
        _a.Alu(BpfAlu.Or, R3, R4);
        PushTag();
        _a.Jump(done);
        _a.Place(push);
        _a.LoadFrom(BpfSize.Half, R2, R8, L.Tpid);
        _a.LoadFrom(BpfSize.Half, R3, R8, L.Tci);
        PushTag();
        _a.Place(done);
    }

    /// <summary>R2 type and R3 control information, as in a frame.</summary>
    private void PushTag()
    {
        _a.ToBigEndian(R3, 16);
        _a.Mov(R1, R6);
        _a.Call(BpfHelper.SkbVlanPush);
        _a.Jump(BpfJump.NotEqual, R0, 0, _broken);
    }
}
