using System.Runtime.InteropServices;
using Mergeflow.Native;
using Xunit;
using static Mergeflow.Native.BpfRegister;

namespace Mergeflow.Tests;

/// <summary>Instructions as bytes (those of <c>clang -target bpf</c> for the same text) and as the kernel prints them.</summary>
public sealed class BpfAssemblerTests
{
    public static TheoryData<string, string, Action<BpfAssembler>> Forms => new()
    {
        { "b700000001000000", "(b7) r0 = 1", static a => a.Mov(R0, 1) },
        { "bf16000000000000", "(bf) r6 = r1", static a => a.Mov(R6, R1) },
        { "07020000f8ffffff", "(07) r2 += -8", static a => a.Alu(BpfAlu.Add, R2, -8) },
        { "0f32000000000000", "(0f) r2 += r3", static a => a.Alu(BpfAlu.Add, R2, R3) },
        { "5402000000ff0000", "(54) w2 &= 65280", static a => a.Alu32(BpfAlu.And, R2, 0xff00) },
        { "6c32000000000000", "(6c) w2 <<= w3", static a => a.Alu32(BpfAlu.Lsh, R2, R3) },
        { "c702000001000000", "(c7) r2 s>>= 1", static a => a.Alu(BpfAlu.Arsh, R2, 1) },
        { "8702000000000000", "(87) r2 = -r2", static a => a.Alu(BpfAlu.Neg, R2, 0) },
        { "dc01000010000000", "(dc) r1 = be16 r1", static a => a.ToBigEndian(R1, 16) },
        { "61120400" + "00000000", "(61) r2 = *(u32 *)(r1 +4)", static a => a.LoadFrom(BpfSize.Word, R2, R1, 4) },
        { "71a2f0ff00000000", "(71) r2 = *(u8 *)(r10 -16)", static a => a.LoadFrom(BpfSize.Byte, R2, R10, -16) },
        { "7b1af8ff00000000", "(7b) *(u64 *)(r10 -8) = r1", static a => a.Store(BpfSize.Double, R10, -8, R1) },
        { "6a0afeff05000000", "(6a) *(u16 *)(r10 -2) = 5", static a => a.Store(BpfSize.Half, R10, -2, 5) },
        { "db21080000000000", "(db) lock *(u64 *)(r1 +8) += r2", static a => a.Atomic(BpfAtomic.Add, BpfSize.Double, R1, 8, R2) },
        { "c321000001000000", "(c3) r2 = atomic_fetch_add((u32 *)(r1 +0), r2)", static a => a.Atomic(BpfAtomic.FetchAdd, BpfSize.Word, R1, 0, R2) },
        { "db210000f1000000", "(db) r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)", static a => a.Atomic(BpfAtomic.CompareExchange, BpfSize.Double, R1, 0, R2) },
        { "180100008877665500000000" + "44332211", "(18) r1 = 0x1122334455667788", static a => a.LoadImmediate(R1, 0x1122334455667788) },
        { "1811000007000000" + "0000000000000000", "(18) r1 = map[fd:7]", static a => a.LoadMap(R1, 7) },
        { "1821000007000000" + "0000000040000000", "(18) r1 = map[fd:7][0]+64", static a => a.LoadMapValue(R1, 7, 64) },
        { "8500000017000000", "(85) call bpf_redirect#23", static a => a.Call(BpfHelper.Redirect) },
        { "9500000000000000", "(95) exit", static a => a.Exit() },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_form_has_these_bytes_and_this_text(string bytes, string text, Action<BpfAssembler> write)
    {
        BpfAssembler a = new();
        write(a);
        BpfInstruction[] code = a.Finish();
        Assert.Equal(bytes, Convert.ToHexStringLower(MemoryMarshal.AsBytes(code.AsSpan())));
        Assert.Equal(text, BpfDisassembler.Print(code[0], code.Length > 1 ? code[1] : default));
    }

    [Fact]
    public void Jumps_go_forward_and_back_to_their_labels()
    {
        BpfAssembler a = new();
        BpfLabel back = a.NewLabel(), end = a.NewLabel();
        a.Mov(R0, 3);
        a.Place(back);
        a.Jump(BpfJump.Equal, R0, 0, end);
        a.Alu(BpfAlu.Sub, R0, 1);
        a.Jump32(BpfJump.Less, R0, R1, end);
        a.Jump(back);
        a.Place(end);
        a.Exit();
        Assert.Equal(
            """
               0: (b7) r0 = 3
               1: (15) if r0 == 0x0 goto pc+3
               2: (17) r0 -= 1
               3: (ce) if w0 s< w1 goto pc+1
               4: (05) goto pc-4
               5: (95) exit

            """, BpfDisassembler.Print(a.Finish()), ignoreLineEndingDifferences: true);
    }

    [Fact]
    public void A_label_that_stands_nowhere_is_a_mistake()
    {
        BpfAssembler a = new();
        a.Jump(a.NewLabel());
        Assert.Throws<InvalidOperationException>(() => a.Finish());
    }

    [Fact]
    public void A_label_stands_in_one_place()
    {
        BpfAssembler a = new();
        BpfLabel label = a.NewLabel();
        a.Place(label);
        Assert.Throws<InvalidOperationException>(() => a.Place(label));
    }

    [Fact]
    public void A_jump_that_is_too_far_is_a_mistake()
    {
        BpfAssembler a = new();
        BpfLabel end = a.NewLabel();
        a.Jump(end);
        for (int i = 0; i <= short.MaxValue; i++) a.Mov(R0, i);
        a.Place(end);
        a.Exit();
        Assert.Throws<InvalidOperationException>(() => a.Finish());
    }
}
