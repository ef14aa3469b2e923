using System.Globalization;
using System.Text;

namespace Mergeflow.Native;

/// <summary>Prints programs as the kernel does (<c>kernel/bpf/disasm.c</c>): <c>bpftool prog dump xlated</c> and the verifier's log spell them so.</summary>
public static class BpfDisassembler
{
    private static readonly string[] s_sizes = ["u32", "u16", "u8", "u64"];
    private static readonly string[] s_alu = ["+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>="];
    private static readonly string[] s_jumps = ["goto", "==", ">", ">=", "&", "!=", "s>", "s>=", "call", "exit", "<", "<=", "s<", "s<="];

    /// <summary>One line for each instruction, with its number; a constant of 64 bits takes two numbers and one line.</summary>
    public static string Print(ReadOnlySpan<BpfInstruction> program)
    {
        StringBuilder text = new();
        for (int i = 0; i < program.Length; i++)
        {
            BpfInstruction next = i + 1 < program.Length ? program[i + 1] : default;
            text.Append(CultureInfo.InvariantCulture, $"{i,4}: {Print(program[i], next)}\n");
            if (IsWide(program[i])) i++;
        }

        return text.ToString();
    }

    /// <summary>One instruction; <paramref name="next"/> is the second half of a constant of 64 bits.</summary>
    public static string Print(BpfInstruction i, BpfInstruction next = default) => string.Create(CultureInfo.InvariantCulture, $"({i.Code:x2}) ") + (i.Class switch
    {
        0 => IsWide(i) ? Constant(i, next) : "BUG_ld",
        1 => string.Create(CultureInfo.InvariantCulture, $"r{i.Destination} = *({Size(i)} *)(r{i.Source} {i.Offset:+0;-0;+0})"),
        2 => string.Create(CultureInfo.InvariantCulture, $"*({Size(i)} *)(r{i.Destination} {i.Offset:+0;-0;+0}) = {i.Immediate}"),
        3 => StoreOrAtomic(i),
        4 => Arithmetic(i, 'w'),
        7 => Arithmetic(i, 'r'),
        5 => Jump(i, 'r'),
        _ => Jump(i, 'w'),
    });

    private static bool IsWide(BpfInstruction i) => i.Code == 0x18;

    private static string Size(BpfInstruction i) => s_sizes[(i.Code >> 3) & 3];

    private static string Constant(BpfInstruction i, BpfInstruction next) => i.Source switch
    {
        1 => string.Create(CultureInfo.InvariantCulture, $"r{i.Destination} = map[fd:{i.Immediate}]"),
        2 => string.Create(CultureInfo.InvariantCulture, $"r{i.Destination} = map[fd:{i.Immediate}][0]+{(uint)next.Immediate}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"r{i.Destination} = 0x{((ulong)(uint)next.Immediate << 32) | (uint)i.Immediate:x}"),
    };

    private static string StoreOrAtomic(BpfInstruction i)
    {
        string place = string.Create(CultureInfo.InvariantCulture, $"({Size(i)} *)(r{i.Destination} {i.Offset:+0;-0;+0})");
        if ((i.Code & 0xe0) != 0xc0) return $"*{place} = r{i.Source}";
        string wide = Size(i) == "u64" ? "64" : "";
        return (BpfAtomic)i.Immediate switch
        {
            BpfAtomic.CompareExchange => $"r0 = atomic{wide}_cmpxchg({place}, r0, r{i.Source})",
            BpfAtomic.Exchange => $"r{i.Source} = atomic{wide}_xchg({place}, r{i.Source})",
            BpfAtomic.FetchAdd => $"r{i.Source} = atomic{wide}_fetch_add({place}, r{i.Source})",
            _ => $"lock *{place} {s_alu[i.Immediate >> 4 & 15]} r{i.Source}",
        };
    }

    private static string Arithmetic(BpfInstruction i, char width)
    {
        int op = i.Code >> 4;
        if (op == 13) return string.Create(CultureInfo.InvariantCulture, $"r{i.Destination} = {((i.Code & 8) != 0 ? "be" : "le")}{i.Immediate} r{i.Destination}");
        if (op == 8) return $"{width}{i.Destination} = -{width}{i.Destination}";
        if (op > 13) return "BUG_alu";
        return (i.Code & 8) != 0
            ? $"{width}{i.Destination} {s_alu[op]} {width}{i.Source}"
            : string.Create(CultureInfo.InvariantCulture, $"{width}{i.Destination} {s_alu[op]} {i.Immediate}");
    }

    private static string Jump(BpfInstruction i, char width)
    {
        int op = i.Code >> 4;
        string target = string.Create(CultureInfo.InvariantCulture, $"goto pc{i.Offset:+0;-0;+0}");
        return op switch
        {
            0 => target,
            8 => string.Create(CultureInfo.InvariantCulture, $"call {((BpfHelper)i.Immediate).Name()}#{i.Immediate}"),
            9 => "exit",
            > 13 => "BUG_jmp",
            _ => (i.Code & 8) != 0
                ? $"if {width}{i.Destination} {s_jumps[op]} {width}{i.Source} {target}"
                : $"if {width}{i.Destination} {s_jumps[op]} 0x{i.Immediate:x} {target}",
        };
    }
}
