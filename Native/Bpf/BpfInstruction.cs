using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>One instruction as the kernel takes it (<c>struct bpf_insn</c>, RFC 9669).</summary>
/// <param name="Code">Class, operation and where the operand comes from.</param>
/// <param name="Registers">Destination in the low four bits, source above it.</param>
/// <param name="Offset">Of a jump in instructions, of an access in bytes.</param>
/// <param name="Immediate">Operand.</param>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly record struct BpfInstruction(byte Code, byte Registers, short Offset, int Immediate)
{
    /// <summary>Most instructions of a program that the kernel takes (<c>BPF_COMPLEXITY_LIMIT_INSNS</c>).</summary>
    public const int MaxCount = 1_000_000;

    /// <summary>Register that it writes, or that holds an address that it writes to.</summary>
    public int Destination => Registers & 15;

    /// <summary>Register that it reads; of a 64-bit constant, what kind of constant.</summary>
    public int Source => Registers >> 4;

    /// <summary>LD, LDX, ST, STX, ALU, JMP, JMP32, ALU64.</summary>
    public int Class => Code & 7;
}

/// <summary>Registers of a program: R0 result, R1 to R5 arguments of a call and lost by it, R6 to R9 kept, R10 the end of the stack.</summary>
public enum BpfRegister : byte
{
    /// <summary>Result of a call and of the program.</summary>
    R0,

    /// <summary>First argument; at the start, the context.</summary>
    R1,

    /// <summary>Second argument.</summary>
    R2,

    /// <summary>Third argument.</summary>
    R3,

    /// <summary>Fourth argument.</summary>
    R4,

    /// <summary>Fifth argument.</summary>
    R5,

    /// <summary>Kept by calls.</summary>
    R6,

    /// <summary>Kept by calls.</summary>
    R7,

    /// <summary>Kept by calls.</summary>
    R8,

    /// <summary>Kept by calls.</summary>
    R9,

    /// <summary>End of the stack of 512 bytes; read only.</summary>
    R10,
}

/// <summary>Arithmetic (bits 4 to 7 of the code).</summary>
public enum BpfAlu : byte
{
    /// <summary>Sum.</summary>
    Add = 0x00,

    /// <summary>Difference.</summary>
    Sub = 0x10,

    /// <summary>Product.</summary>
    Mul = 0x20,

    /// <summary>Unsigned quotient; 0 by 0.</summary>
    Div = 0x30,

    /// <summary>Bitwise or.</summary>
    Or = 0x40,

    /// <summary>Bitwise and.</summary>
    And = 0x50,

    /// <summary>Shift left.</summary>
    Lsh = 0x60,

    /// <summary>Logical shift right.</summary>
    Rsh = 0x70,

    /// <summary>Negation; no operand.</summary>
    Neg = 0x80,

    /// <summary>Unsigned remainder.</summary>
    Mod = 0x90,

    /// <summary>Bitwise exclusive or.</summary>
    Xor = 0xa0,

    /// <summary>Copy.</summary>
    Mov = 0xb0,

    /// <summary>Arithmetic shift right.</summary>
    Arsh = 0xc0,
}

/// <summary>Conditions of jumps (bits 4 to 7 of the code).</summary>
public enum BpfJump : byte
{
    /// <summary>Equal.</summary>
    Equal = 0x10,

    /// <summary>Unsigned above.</summary>
    Above = 0x20,

    /// <summary>Unsigned above or equal.</summary>
    AboveOrEqual = 0x30,

    /// <summary>One of the bits is set.</summary>
    AnyBit = 0x40,

    /// <summary>Not equal.</summary>
    NotEqual = 0x50,

    /// <summary>Signed above.</summary>
    Greater = 0x60,

    /// <summary>Signed above or equal.</summary>
    GreaterOrEqual = 0x70,

    /// <summary>Unsigned below.</summary>
    Below = 0xa0,

    /// <summary>Unsigned below or equal.</summary>
    BelowOrEqual = 0xb0,

    /// <summary>Signed below.</summary>
    Less = 0xc0,

    /// <summary>Signed below or equal.</summary>
    LessOrEqual = 0xd0,
}

/// <summary>Sizes of accesses (bits 3 and 4 of the code).</summary>
public enum BpfSize : byte
{
    /// <summary>32 bits.</summary>
    Word = 0x00,

    /// <summary>16 bits.</summary>
    Half = 0x08,

    /// <summary>8 bits.</summary>
    Byte = 0x10,

    /// <summary>64 bits.</summary>
    Double = 0x18,
}

/// <summary>Atomic operations on memory (the immediate of the instruction).</summary>
public enum BpfAtomic
{
    /// <summary>Sum; orders nothing on weak machines, is a locked instruction on x86.</summary>
    Add = 0x00,

    /// <summary>Bitwise or.</summary>
    Or = 0x40,

    /// <summary>Bitwise and.</summary>
    And = 0x50,

    /// <summary>Bitwise exclusive or.</summary>
    Xor = 0xa0,

    /// <summary>Sum; the register gets what was there. A full fence.</summary>
    FetchAdd = 0x01,

    /// <summary>Exchange. A full fence.</summary>
    Exchange = 0xe1,

    /// <summary>Compare with R0 and exchange; R0 gets what was there. A full fence.</summary>
    CompareExchange = 0xf1,
}
