using System.Buffers.Binary;
using System.Text.RegularExpressions;
using Mergeflow.Native;
using Xunit;
using static Mergeflow.Native.BpfRegister;

namespace Mergeflow.Tests;

/// <summary>Programs, maps and links in the running kernel.</summary>
public sealed partial class BpfKernelTests
{
    private const int XdpDrop = 1;
    private const int XdpPass = 2;

    public static TheoryData<BpfAlu, ulong, ulong, ulong> Results => new()
    {
        { BpfAlu.Add, 0xffff_ffff, 1, 0x1_0000_0000 },
        { BpfAlu.Sub, 5, 7, unchecked((ulong)-2) },
        { BpfAlu.Mul, 0x1_0000_0001, 3, 0x3_0000_0003 },
        { BpfAlu.Div, 100, 7, 14 },
        { BpfAlu.Mod, 100, 7, 2 },
        { BpfAlu.Or, 0xf0, 0x0f, 0xff },
        { BpfAlu.And, 0xf0, 0x3c, 0x30 },
        { BpfAlu.Xor, 0xf0, 0x3c, 0xcc },
        { BpfAlu.Lsh, 1, 40, 1UL << 40 },
        { BpfAlu.Rsh, 1UL << 63, 60, 8 },
        { BpfAlu.Arsh, 1UL << 63, 60, unchecked((ulong)-8) },
        { BpfAlu.Mov, 1, 0x1234_5678_9abc_def0, 0x1234_5678_9abc_def0 },
    };

    [Theory]
    [MemberData(nameof(Results))]
    public void An_operation_gives_what_it_says(BpfAlu op, ulong left, ulong right, ulong expected)
    {
        using BpfMap map = Map(16);
        Run(map, a =>
        {
            a.LoadImmediate(R1, left);
            a.LoadImmediate(R2, right);
            a.LoadMapValue(R3, map.Descriptor, 8);
            a.Alu(op, R1, R2);
            a.Store(BpfSize.Double, R3, 0, R1);
        });
        Assert.Equal(expected, BinaryPrimitives.ReadUInt64LittleEndian(map.Span[8..]));
    }

    [Fact]
    public void Bytes_are_turned_around()
    {
        using BpfMap map = Map(24);
        Run(map, a =>
        {
            a.LoadMapValue(R3, map.Descriptor, 0);
            foreach (int bits in new[] { 16, 32, 64 })
            {
                a.LoadImmediate(R1, 0x1122334455667788);
                a.ToBigEndian(R1, bits);
                a.Store(BpfSize.Double, R3, (bits / 32) * 8, R1);
            }
        });
        Assert.Equal("7788000000000000" + "5566778800000000" + "1122334455667788", Convert.ToHexStringLower(map.Span[..24]));
    }

    [Fact]
    public void Memory_of_a_map_is_shared_and_changed_atomically()
    {
        using BpfMap map = Map(32);
        BinaryPrimitives.WriteUInt64LittleEndian(map.Span, 40);
        Run(map, a =>
        {
            a.LoadMapValue(R3, map.Descriptor, 0);
            a.Mov(R1, 2);
            a.Atomic(BpfAtomic.FetchAdd, BpfSize.Double, R3, 0, R1);
            a.Store(BpfSize.Double, R3, 8, R1);
            a.Mov(R0, 42);
            a.Mov(R1, 7);
            a.Atomic(BpfAtomic.CompareExchange, BpfSize.Double, R3, 0, R1);
            a.Store(BpfSize.Double, R3, 16, R0);
            a.Mov(R1, 9);
            a.Atomic(BpfAtomic.Exchange, BpfSize.Double, R3, 0, R1);
            a.Store(BpfSize.Double, R3, 24, R1);
        });
        Assert.Equal([9UL, 40, 42, 7], Enumerable.Range(0, 4).Select(i => BinaryPrimitives.ReadUInt64LittleEndian(map.Span[(8 * i)..])));
    }

    /// <summary>The frame is the first 2 bytes of its context; the program swaps the addresses and counts.</summary>
    [Fact]
    public void A_program_changes_a_frame_and_says_what_becomes_of_it()
    {
        SkipUnlessAllowed();
        BpfAssembler a = new();
        BpfLabel bad = a.NewLabel();
        a.LoadFrom(BpfSize.Word, R2, R1, 0);
        a.LoadFrom(BpfSize.Word, R3, R1, 4);
        a.Mov(R4, R2);
        a.Alu(BpfAlu.Add, R4, 14);
        a.Jump(BpfJump.Above, R4, R3, bad);
        a.LoadFrom(BpfSize.Word, R5, R2, 0);
        a.LoadFrom(BpfSize.Word, R6, R2, 6);
        a.Store(BpfSize.Word, R2, 0, R6);
        a.Store(BpfSize.Word, R2, 6, R5);
        a.Mov(R0, XdpPass);
        a.Exit();
        a.Place(bad);
        a.Mov(R0, XdpDrop);
        a.Exit();
        using BpfProgram program = BpfProgram.Load(BpfProgramType.Xdp, a.Finish(), "swap");
        byte[] frame = [.. Enumerable.Range(0, 64).Select(static i => (byte)i)];
        byte[] output = new byte[100];
        BpfRun run = program.TestRun(frame, output);
        Assert.Equal((XdpPass, 64), (run.Result, run.LengthBytes));
        Assert.Equal([6, 7, 8, 9, 4, 5, 0, 1, 2, 3, 10, 11], output[..12]);
        Assert.Equal(frame[12..], output[12..64]);
    }

    [Fact]
    public void A_refused_program_comes_with_what_the_verifier_says()
    {
        SkipUnlessAllowed();
        BpfAssembler a = new();
        a.LoadFrom(BpfSize.Word, R2, R1, 0);
        a.LoadFrom(BpfSize.Byte, R0, R2, 0);
        a.Exit();
        BpfException e = Assert.Throws<BpfException>(() => BpfProgram.Load(BpfProgramType.Xdp, a.Finish(), "blind"));
        Assert.Contains("invalid access to packet", e.VerifierLog, StringComparison.Ordinal);
    }

    /// <summary>The verifier prints each instruction with the kernel's own disassembler.</summary>
    [Fact]
    public void Instructions_are_printed_as_the_kernel_prints_them()
    {
        using BpfMap map = Map(64);
        BpfAssembler a = new();
        BpfLabel end = a.NewLabel();
        a.Mov(R6, R1);
        a.Mov(R0, -7);
        a.Alu32(BpfAlu.Mov, R7, R0);
        a.Alu(BpfAlu.Rsh, R7, 3);
        a.Alu(BpfAlu.Neg, R7, 0);
        a.ToBigEndian(R7, 32);
        a.LoadMapValue(R8, map.Descriptor, 8);
        a.LoadFrom(BpfSize.Half, R1, R8, 2);
        a.Store(BpfSize.Byte, R8, 4, -3);
        a.Store(BpfSize.Double, R10, -8, R7);
        a.Atomic(BpfAtomic.Or, BpfSize.Word, R8, 0, R7);
        a.Atomic(BpfAtomic.Exchange, BpfSize.Double, R8, 8, R7);
        a.Atomic(BpfAtomic.FetchAdd, BpfSize.Word, R8, 16, R7);
        a.LoadImmediate(R9, 0x1_0000_0002);
        a.Jump(BpfJump.AnyBit, R7, 0x10, end);
        a.Jump32(BpfJump.LessOrEqual, R7, -1, end);
        a.Jump(BpfJump.Above, R7, R9, end);
        a.Call(BpfHelper.KtimeNs);
        a.Place(end);
        a.Mov(R0, 2);
        a.Exit();
        BpfInstruction[] code = a.Finish();
        string[] ours = [.. BpfDisassembler.Print(code).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => l.Trim()).Where(static l => !l.Contains("map[", StringComparison.Ordinal))];
        string log = BpfProgram.Explain(BpfProgramType.Xdp, code, "print");
        HashSet<string> theirs = [.. VerifierLine().Matches(log).Select(static m => $"{m.Groups[1].Value}: {m.Groups[2].Value.Trim()}")];
        Assert.Empty(ours.Except(theirs));
        Assert.Equal(code.Length - 3, ours.Length);
    }

    [Fact]
    public void A_map_is_read_written_and_emptied()
    {
        SkipUnlessAllowed();
        using BpfMap map = new(BpfMapType.Hash, 4, 4, 2, 0, "h");
        byte[] key = [1, 0, 0, 0], value = new byte[4];
        Assert.False(map.TryLookup(key, value));
        map.Update(1, 77);
        Assert.True(map.TryLookup(key, value));
        Assert.Equal(77, value[0]);
        map.Update(2, 2);
        Assert.Equal(7, Assert.Throws<BpfException>(() => map.Update(3, 3)).Errno);
        Assert.True(map.Delete(key));
        Assert.False(map.Delete(key));
    }

    [Fact]
    public void A_link_is_updated_and_goes_with_its_owner() => PrivateNetwork.Run(static () =>
    {
        PrivateNetwork.Ip("link add mfb0 type veth peer name mfb1");
        using Rtnetlink net = new();
        int index = net.Find("mfb0")!.Index;
        using BpfProgram pass = Constant(BpfProgramType.Xdp, XdpPass), drop = Constant(BpfProgramType.Xdp, XdpDrop);
        using (BpfLink link = new(pass, index, BpfAttachPoint.Xdp, BpfLink.XdpNative))
        {
            const int Busy = 16;
            link.Update(drop);
            Assert.Equal(Busy, Assert.Throws<BpfException>(() => new BpfLink(pass, index, BpfAttachPoint.Xdp, BpfLink.XdpNative)).Errno);
        }

        using BpfLink again = new(pass, index, BpfAttachPoint.Xdp, BpfLink.XdpNative);
        Assert.True(again.Detach());
        using BpfProgram tc = Constant(BpfProgramType.SchedCls, 0);
        using BpfLink ingress = new(tc, index, BpfAttachPoint.TcxIngress);
    });

    private static BpfProgram Constant(BpfProgramType type, int result)
    {
        BpfAssembler a = new();
        a.Mov(R0, result);
        a.Exit();
        return BpfProgram.Load(type, a.Finish(), "constant");
    }

    private static BpfMap Map(int sizeBytes)
    {
        SkipUnlessAllowed();
        return BpfMap.Shared(sizeBytes, "test");
    }

    private static void Run(BpfMap map, Action<BpfAssembler> body)
    {
        Assert.True(map.Descriptor > 0);
        BpfAssembler a = new();
        body(a);
        a.Mov(R0, XdpPass);
        a.Exit();
        using BpfProgram program = BpfProgram.Load(BpfProgramType.Xdp, a.Finish(), "test");
        Assert.Equal(XdpPass, program.TestRun(new byte[64], new byte[64]).Result);
    }

    private static void SkipUnlessAllowed()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) Assert.Skip("needs root: bpf(2)");
    }

    [GeneratedRegex(@"^(\d+): (\([0-9a-f]{2}\) [^;\n]*)", RegexOptions.Multiline)]
    private static partial Regex VerifierLine();
}
