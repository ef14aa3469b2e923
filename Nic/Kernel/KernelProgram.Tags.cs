using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;
using L = Mergeflow.Nic.KernelLayout;

namespace Mergeflow.Nic;

/// <content>Tags come and go before anything else changes: what can fail is done while the frame is as it came.</content>
internal sealed partial class KernelProgram
{
    /// <summary>R8 slot. Changes the kind with the number of tags.</summary>
    private void MakeRoom()
    {
        BpfLabel pop = _a.NewLabel(), set = _a.NewLabel(), done = _a.NewLabel(), some = _a.NewLabel();
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
        _a.Jump(BpfJump.AnyBit, R1, (int)(KernelFlags.SetTag | KernelFlags.PushTag | KernelFlags.PopTag), some);
        _a.Jump(done);
        _a.Place(some);
        LoadFrame();
        NeedChecked(EthernetBytes + TagBytes);
        for (int i = 0; i < 12; i += 4)
        {
            _a.LoadFrom(BpfSize.Word, R2, R7, i);
            _a.Store(BpfSize.Word, R10, MacsAt + i, R2);
        }

        _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.PopTag, pop);
        _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.SetTag, set);
        Move(-TagBytes);
        _a.LoadFrom(BpfSize.Word, R2, R8, L.Tpid);
        _a.Store(BpfSize.Word, R7, 12, R2);
        ChangeKind(1);
        _a.Jump(done);

        _a.Place(pop);
        Move(TagBytes);
        ChangeKind(-1);
        _a.Jump(done);

        _a.Place(set);
        _a.LoadFrom(BpfSize.Half, R2, R7, 14);
        _a.LoadFrom(BpfSize.Half, R3, R8, L.TciMask);
        _a.Alu(BpfAlu.Xor, R3, 0xffff);
        _a.Alu(BpfAlu.And, R2, R3);
        _a.LoadFrom(BpfSize.Half, R3, R8, L.Tci);
        _a.Alu(BpfAlu.Or, R2, R3);
        _a.Store(BpfSize.Half, R7, 14, R2);
        _a.Place(done);
    }

    /// <summary>The frame begins elsewhere; the addresses are written anew.</summary>
    private void Move(int bytes)
    {
        _a.Mov(R1, R6);
        _a.Mov(R2, bytes);
        _a.Call(BpfHelper.XdpAdjustHead);
        _a.Jump(BpfJump.NotEqual, R0, 0, _miss);
        LoadFrame();
        NeedChecked(EthernetBytes + TagBytes);
        for (int i = 0; i < 12; i += 4)
        {
            _a.LoadFrom(BpfSize.Word, R2, R10, MacsAt + i);
            _a.Store(BpfSize.Word, R7, i, R2);
        }
    }

    private void ChangeKind(int tags)
    {
        _a.LoadFrom(BpfSize.Double, R2, R10, KindAt);
        _a.Alu(BpfAlu.Add, R2, tags);
        _a.Store(BpfSize.Double, R10, KindAt, R2);
    }

    /// <summary>R7 frame, R5 its end.</summary>
    private void LoadFrame()
    {
        _a.LoadFrom(BpfSize.Word, R7, R6, DataOfContext);
        _a.LoadFrom(BpfSize.Word, R5, R6, EndOfContext);
    }

    private void NeedChecked(int bytes)
    {
        _a.Mov(R2, R7);
        _a.Alu(BpfAlu.Add, R2, bytes);
        _a.Jump(BpfJump.Above, R2, R5, _broken);
    }
}
