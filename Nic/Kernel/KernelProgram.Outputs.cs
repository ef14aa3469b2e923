using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;
using L = Mergeflow.Nic.KernelLayout;

namespace Mergeflow.Nic;

/// <content>
/// Several outputs, by tc: each has a slot of its own, what it writes and where it goes, chained in order. A copy leaves, the frame goes on to be changed for the next one. Whether all of them can be sent is looked at
/// before the first is.
/// </content>
internal sealed partial class KernelProgram
{
    private const int OutputAt = -368;

    /// <summary>R8 the rule. Each further output's port must be there and take the frame.</summary>
    private void CheckOutputs()
    {
        BpfLabel done = _a.NewLabel();
        _a.Mov(R5, R8);
        for (int i = 1; i < L.MaxOutputs; i++)
        {
            _a.LoadFrom(BpfSize.Word, R1, R5, L.Flags);
            BpfLabel more = _a.NewLabel();
            _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.Several, more);
            _a.Jump(done);
            _a.Place(more);
            LoadNext(R5, R5);
            FindOutput(R5);
            _a.Jump(BpfJump.Equal, R1, 0, _miss);
            _a.LoadFrom(BpfSize.Word, R2, R2, L.PortMaxFrame);
            _a.LoadFrom(BpfSize.Double, R3, R10, LengthAt);
            LengthOfSegment();
            _a.Jump(BpfJump.Above, R3, R2, _miss);
        }

        _a.Place(done);
    }

    private void BeginOutputs(BpfLabel again)
    {
        _a.Store(BpfSize.Double, R10, OutputAt, 0);
        _a.Place(again);
    }

    /// <summary>R8 an output: if another one comes behind it, a copy leaves, and the next one's turn comes.</summary>
    private void SendCopy(BpfLabel again)
    {
        BpfLabel more = _a.NewLabel(), last = _a.NewLabel();
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Flags);
        _a.Jump(BpfJump.AnyBit, R1, (int)KernelFlags.Several, more);
        _a.Jump(last);
        _a.Place(more);

        // The verifier counts the turns by it.
        _a.LoadFrom(BpfSize.Double, R1, R10, OutputAt);
        _a.Alu(BpfAlu.Add, R1, 1);
        _a.Jump(BpfJump.AboveOrEqual, R1, L.MaxOutputs, _broken);
        _a.Store(BpfSize.Double, R10, OutputAt, R1);
        SampleOutput(KernelSamples.CopyLeft);
        _a.LoadFrom(BpfSize.Double, R2, R10, InterfaceAt);
        _a.LoadFrom(BpfSize.Double, R3, R10, FlagsAt);
        _a.Mov(R1, R6);
        _a.Call(BpfHelper.CloneRedirect);
        LoadNext(R8, R8);
        FindOutput(R8);
        _a.Store(BpfSize.Double, R10, InterfaceAt, R1);
        _a.Store(BpfSize.Double, R10, FlagsAt, R3);
        _a.Jump(again);
        _a.Place(last);
    }

    /// <summary>The slot behind one. R1 and R2 are lost.</summary>
    private void LoadNext(BpfRegister to, BpfRegister from)
    {
        _a.LoadFrom(BpfSize.Word, R1, from, L.Next);
        _a.Alu(BpfAlu.And, R1, _memory.SlotCount - 1);
        _a.Alu(BpfAlu.Lsh, R1, L.SlotShift);
        _a.LoadMapValue(to, _memory.Slots.Descriptor, 0);
        _a.Alu(BpfAlu.Add, to, R1);
    }

    /// <summary>R1 the interface of a slot's port, R2 its place, R3 how frames go there.</summary>
    private void FindOutput(BpfRegister slot)
    {
        _a.LoadFrom(BpfSize.Word, R1, slot, L.Port);
        _a.Alu(BpfAlu.And, R1, L.PortCount - 1);
        _a.Alu(BpfAlu.Mul, R1, L.PortBytes);
        _a.LoadMapValue(R2, _memory.Control.Descriptor, L.Ports);
        _a.Alu(BpfAlu.Add, R2, R1);
        _a.LoadFrom(BpfSize.Word, R1, R2, 0);
        _a.LoadFrom(BpfSize.Word, R3, R2, L.PortFlags);
        _a.Alu(BpfAlu.And, R3, L.IntoStack);
    }
}
