using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;
using L = Mergeflow.Nic.KernelLayout;
using S = Mergeflow.Nic.KernelSamples;

namespace Mergeflow.Nic;

/// <content>
/// Copies of hits for who checks them (<see cref="KernelSamples"/>): the frame as it came, when nothing has changed yet and nothing but a fault can make a miss of it, and as it leaves. The first hit of each rule, and of a
/// processor's hits one in so many: how far the next one is away is drawn by chance, so that no traffic keeps step with it.
/// </summary>
internal sealed partial class KernelProgram
{
    private const int SampledAt = -248;
    private const int SlotAt = -256;
    private const int MetaAt = SlotAt - S.MetaBytes;
    private const ulong CurrentProcessor = 0xffff_ffff;

    /// <summary>R8 slot. R1 to R5 are lost.</summary>
    private void SampleHit()
    {
        if (!_shadow.IsOn) return;
        BpfLabel first = _a.NewLabel(), take = _a.NewLabel(), done = _a.NewLabel();
        _a.Store(BpfSize.Double, R10, SampledAt, 0);
        _a.LoadFrom(BpfSize.Byte, R1, R8, L.Seen);
        _a.Jump(BpfJump.Equal, R1, 0, first);
        _a.LoadFrom(BpfSize.Double, R1, R9, L.UntilSample);
        _a.Alu(BpfAlu.Sub, R1, 1);
        _a.Store(BpfSize.Double, R9, L.UntilSample, R1);
        _a.Jump(BpfJump.Greater, R1, 0, done);
        _a.Call(BpfHelper.Random);
        _a.Alu(BpfAlu.Mod, R0, (2 * _shadow.OneIn) - 1);
        _a.Alu(BpfAlu.Add, R0, 1);
        _a.Store(BpfSize.Double, R9, L.UntilSample, R0);
        _a.Jump(take);
        _a.Place(first);
        _a.Store(BpfSize.Byte, R8, L.Seen, 1);
        _a.Place(take);
        _a.Call(BpfHelper.Random);
        _a.Alu(BpfAlu.Or, R0, 1);
        _a.Store(BpfSize.Double, R10, SampledAt, R0);
        _a.LoadFrom(BpfSize.Double, R1, R10, Decaps ? DevicePortAt : PortAt);
        _a.ToBigEndian(R1, 32);
        _a.Store(BpfSize.Word, R10, MetaAt + S.PortAt, R1);
        Copy(S.Came);
        _a.Place(done);
    }

    /// <summary>The frame is as it will leave, or is to be dropped; R8 the slot that says where.</summary>
    private void SampleOutput(int kind = S.Left)
    {
        if (!_shadow.IsOn) return;
        BpfLabel done = _a.NewLabel();
        _a.LoadFrom(BpfSize.Double, R1, R10, SampledAt);
        _a.Jump(BpfJump.Equal, R1, 0, done);
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Port);
        _a.Store(BpfSize.Word, R10, MetaAt + S.PortAt, R1);
        Copy(kind);
        _a.Place(done);
    }

    /// <summary>Metadata and frame: what a frame in a ring has as its length, its tag and its segments.</summary>
    private void Copy(int kind)
    {
        BpfLabel fits = _a.NewLabel(), noTag = _a.NewLabel();
        _a.Store(BpfSize.Word, R10, MetaAt + S.KindAt, kind);
        _a.LoadFrom(BpfSize.Double, R1, R10, SlotAt);
        _a.Store(BpfSize.Word, R10, MetaAt + S.SlotAt, R1);
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Alive);
        _a.Store(BpfSize.Word, R10, MetaAt + S.SerialAt, R1);
        _a.Store(BpfSize.Double, R10, MetaAt + S.TagAt, 0);
        _a.Store(BpfSize.Word, R10, MetaAt + S.SegmentBytesAt, 0);
        _a.Store(BpfSize.Word, R10, MetaAt + S.CopiesAt, 0);
        _a.LoadFrom(BpfSize.Double, R1, R10, SampledAt);
        _a.Store(BpfSize.Word, R10, MetaAt + S.HitAt, R1);
        if (kind != S.Came && _isTc && SendsSeveral)
        {
            _a.LoadFrom(BpfSize.Double, R1, R10, OutputAt);
            _a.Store(BpfSize.Word, R10, MetaAt + S.CopiesAt, R1);
        }

        if (_isTc)
        {
            _a.LoadFrom(BpfSize.Word, R1, R6, SkbTagIsThere);
            _a.Jump(BpfJump.Equal, R1, 0, noTag);
            _a.LoadFrom(BpfSize.Word, R1, R6, SkbTpid);
            _a.Store(BpfSize.Half, R10, MetaAt + S.TagAt, R1);
            _a.LoadFrom(BpfSize.Word, R1, R6, SkbTci);
            _a.ToBigEndian(R1, 16);
            _a.Store(BpfSize.Half, R10, MetaAt + S.TagAt + 2, R1);
            _a.Place(noTag);
            _a.LoadFrom(BpfSize.Word, R1, R6, SkbSegmentBytes);
            _a.Store(BpfSize.Word, R10, MetaAt + S.SegmentBytesAt, R1);
            _a.LoadFrom(BpfSize.Word, R3, R6, SkbLength);
        }
        else
        {
            _a.LoadFrom(BpfSize.Word, R1, R6, DataOfContext);
            _a.LoadFrom(BpfSize.Word, R3, R6, EndOfContext);
            _a.Alu(BpfAlu.Sub, R3, R1);
        }

        _a.Store(BpfSize.Double, R10, MetaAt + S.LengthAt, R3);
        if (_isTc)
        {
            _a.LoadFrom(BpfSize.Word, R1, R6, SkbSegments);
            _a.Store(BpfSize.Word, R10, MetaAt + S.SegmentsAt, R1);
        }

        _a.Jump(BpfJump.BelowOrEqual, R3, S.MaxFrameBytes, fits);
        _a.Mov(R3, S.MaxFrameBytes);
        _a.Place(fits);
        _a.Alu(BpfAlu.Lsh, R3, 32);
        _a.LoadImmediate(R1, CurrentProcessor);
        _a.Alu(BpfAlu.Or, R3, R1);
        _a.Mov(R1, R6);
        _a.LoadMap(R2, _shadow.MapDescriptor);
        _a.Mov(R4, R10);
        _a.Alu(BpfAlu.Add, R4, MetaAt);
        _a.Mov(R5, S.MetaBytes);
        _a.Call(BpfHelper.PerfEventOutput);
    }
}

/// <summary>Which hits the program copies up.</summary>
/// <param name="OneIn">One in so many, and the first of each rule; 0 = none.</param>
/// <param name="MapDescriptor">The map of the rings.</param>
internal readonly record struct KernelShadow(int OneIn, int MapDescriptor)
{
    public bool IsOn => OneIn > 0;
}
