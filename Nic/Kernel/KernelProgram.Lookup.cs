using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;
using L = Mergeflow.Nic.KernelLayout;

namespace Mergeflow.Nic;

/// <content>One template: hash, tags of a bucket, words of a slot.</content>
internal sealed partial class KernelProgram
{
    private void Lookup(KernelTemplate t)
    {
        BpfLabel next = _a.NewLabel(), found = _a.NewLabel(), second = _a.NewLabel();

        // R0: the hash; the same sum as KernelTemplate.Hash.
        _a.LoadImmediate(R0, t.Multiplier(t.Places.Length));
        for (int i = 0; i < t.Places.Length; i++)
        {
            LoadWord(t, i);
            _a.LoadImmediate(R2, t.Multiplier(i));
            _a.Alu(BpfAlu.Mul, R1, R2);
            _a.Alu(BpfAlu.Add, R0, R1);
        }

        _a.Mov(R1, R0);
        _a.Alu(BpfAlu.Rsh, R1, 32);
        _a.Alu(BpfAlu.Xor, R0, R1);
        _a.LoadImmediate(R2, t.Multiplier(t.Places.Length + 1));
        _a.Alu(BpfAlu.Mul, R0, R2);

        // R4: the tag. R5: the bucket. R3: its address.
        _a.Mov(R4, R0);
        _a.Alu(BpfAlu.Rsh, R4, KernelTemplate.TagShift);
        _a.Alu32(BpfAlu.Or, R4, 1);
        _a.Mov(R5, R0);
        _a.Alu(BpfAlu.Rsh, R5, 64 - _memory.BucketBits);
        for (int turn = 0; turn < 2; turn++)
        {
            _a.Mov(R1, R5);
            _a.Alu(BpfAlu.Mul, R1, L.BucketBytes);
            _a.LoadMapValue(R3, _memory.Buckets.Descriptor, 0);
            _a.Alu(BpfAlu.Add, R3, R1);
            BpfLabel[] ways = [.. Enumerable.Range(0, L.Ways).Select(_ => _a.NewLabel())];
            for (int way = 0; way < L.Ways; way++)
            {
                _a.LoadFrom(BpfSize.Word, R2, R3, 4 * way);
                _a.Jump32(BpfJump.Equal, R2, R4, ways[way]);
            }

            if (turn == 0)
            {
                _a.LoadFrom(BpfSize.Word, R2, R3, L.BucketSlots);
                _a.Alu(BpfAlu.Rsh, R2, 31);
                _a.Jump(BpfJump.NotEqual, R2, 0, second);
            }

            _a.Jump(next);
            for (int way = 0; way < L.Ways; way++)
            {
                _a.Place(ways[way]);
                _a.LoadFrom(BpfSize.Word, R8, R3, L.BucketSlots + (4 * way));
                _a.Jump(found);
            }

            if (turn == 1) break;
            _a.Place(second);
            _a.Mov(R1, R4);
            _a.Alu32(BpfAlu.Rsh, R1, 1);
            _a.Alu(BpfAlu.And, R1, (1 << _memory.BucketBits) - 1);
            _a.Alu(BpfAlu.Xor, R5, R1);
            _a.Alu(BpfAlu.And, R5, (1 << _memory.BucketBits) - 1);
        }

        _a.Place(found);
        _a.Alu(BpfAlu.And, R8, _memory.SlotCount - 1);
        if (_shadow.IsOn || Decaps) _a.Store(BpfSize.Double, R10, SlotAt, R8);
        _a.Alu(BpfAlu.Lsh, R8, L.SlotShift);
        _a.LoadMapValue(R2, _memory.Slots.Descriptor, 0);
        _a.Alu(BpfAlu.Add, R8, R2);

        // P2 before P3: the words of a slot that is not alive may be half another rule's.
        _a.LoadFrom(BpfSize.Word, R1, R8, L.Alive);
        _a.Jump(BpfJump.Equal, R1, 0, next);
        for (int i = 0; i < t.Places.Length; i++)
        {
            LoadWord(t, i);
            _a.LoadFrom(BpfSize.Double, R2, R8, L.KeyWord(i));
            _a.Jump(BpfJump.NotEqual, R1, R2, next);
        }

        _a.Jump(_hit);
        _a.Place(next);
    }

    /// <summary>R1: a word of the key under the template's mask. R2 is lost.</summary>
    private void LoadWord(KernelTemplate t, int index)
    {
        _a.LoadFrom(BpfSize.Double, R1, R10, KeyAt + (8 * t.Places[index]));
        ulong mask = t.Words[index];
        if (mask == ulong.MaxValue) return;
        if (mask <= int.MaxValue)
        {
            _a.Alu(BpfAlu.And, R1, (int)mask);
            return;
        }

        _a.LoadImmediate(R2, mask);
        _a.Alu(BpfAlu.And, R1, R2);
    }
}
