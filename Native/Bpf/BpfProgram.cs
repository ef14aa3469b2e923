using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Mergeflow.Native;

/// <summary>A program that the kernel has verified and compiled. It lives as long as this object or a link uses it.</summary>
public sealed unsafe class BpfProgram : IDisposable
{
    /// <summary><c>BPF_F_XDP_HAS_FRAGS</c>: an XDP program that only looks at the first part of a long frame; without it there is no XDP beyond one page.</summary>
    public const uint HasFragments = 1 << 5;

    /// <summary>Log that is kept of a refused program.</summary>
    private const int LogBytes = 1 << 20;

    private readonly SafeFileHandle _handle;

    private BpfProgram(SafeFileHandle handle, BpfInstruction[] code) => (_handle, Code) = (handle, code);

    /// <summary>What was loaded.</summary>
    public BpfInstruction[] Code { get; }

    /// <summary>Of the program, for links and maps of programs.</summary>
    public int Descriptor => (int)_handle.DangerousGetHandle();

    /// <summary>Has a program verified. Takes 1 to 30 ms.</summary>
    /// <exception cref="BpfException">The kernel refuses; its verifier's log comes with it.</exception>
    public static BpfProgram Load(BpfProgramType type, BpfInstruction[] code, string name, uint flags = 0)
    {
        int fd = TryLoad(type, code, name, flags, null, 0, 0);
        if (fd >= 0) return new BpfProgram(new SafeFileHandle(fd, ownsHandle: true), code);
        fd = Explain(type, code, name, flags, level: 1, out string log);

        // The second time it went (memory, a signal).
        return fd >= 0 ? new BpfProgram(new SafeFileHandle(fd, ownsHandle: true), code) : throw BpfCalls.Failure("PROG_LOAD", log);
    }

    /// <summary>Has a program verified for its log alone: every instruction with what is known of the registers, and what it costs.</summary>
    public static string Explain(BpfProgramType type, BpfInstruction[] code, string name, uint flags = 0)
    {
        int fd = Explain(type, code, name, flags, level: 2, out string log);
        if (fd >= 0) new SafeFileHandle(fd, ownsHandle: true).Dispose();
        return log;
    }

    /// <summary>
    /// Runs the program on a frame, without any interface (<c>BPF_PROG_TEST_RUN</c>): the context is made for it, redirects are not carried out.
    /// </summary>
    /// <param name="frame">At least 14 bytes.</param>
    /// <param name="output">Receives the frame as it is behind the program; too short a buffer gets its beginning.</param>
    /// <param name="context">Begins as the context (<c>struct xdp_md</c>, <c>struct __sk_buff</c>) and receives it; empty = none.</param>
    /// <param name="repeat">How often; the frame is what the run before has left.</param>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public BpfRun TestRun(ReadOnlySpan<byte> frame, Span<byte> output, Span<byte> context = default, int repeat = 1)
    {
        const int NoSpace = 28;
        BpfAttributes a = default;
        fixed (byte* f = frame, o = output, c = context)
        {
            a.Words[0] = (uint)Descriptor;
            a.Words[2] = (uint)frame.Length;
            a.Words[3] = (uint)output.Length;
            a.Quads[2] = (ulong)f;
            a.Quads[3] = (ulong)o;
            a.Words[8] = (uint)repeat;
            a.Words[10] = a.Words[11] = (uint)context.Length;
            a.Quads[6] = a.Quads[7] = (ulong)c;
            if (BpfCalls.Call(BpfCalls.ProgramTestRun, &a) < 0 && BpfCalls.Errno != NoSpace) throw BpfCalls.Failure("PROG_TEST_RUN");
        }

        return new BpfRun((int)a.Words[1], (int)a.Words[3], (int)a.Words[9]);
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static int Explain(BpfProgramType type, BpfInstruction[] code, string name, uint flags, uint level, out string log)
    {
        byte[] text = new byte[LogBytes << (int)level];
        int fd;
        fixed (byte* p = text) fd = TryLoad(type, code, name, flags, p, (uint)text.Length, level);
        int errno = BpfCalls.Errno;
        int end = text.AsSpan().IndexOf((byte)0);
        log = Encoding.UTF8.GetString(text, 0, end < 0 ? text.Length : end);
        System.Runtime.InteropServices.Marshal.SetLastPInvokeError(errno);
        return fd;
    }

    private static int TryLoad(BpfProgramType type, BpfInstruction[] code, string name, uint flags, byte* log, uint logBytes, uint logLevel)
    {
        fixed (BpfInstruction* instructions = code)
        fixed (byte* license = "Dual MIT/GPL\0"u8)
        {
            BpfAttributes a = default;
            a.Words[0] = (uint)type;
            a.Words[1] = (uint)code.Length;
            a.Quads[1] = (ulong)instructions;
            a.Quads[2] = (ulong)license;
            a.Words[6] = logLevel;
            a.Words[7] = logBytes;
            a.Quads[4] = (ulong)log;
            a.Words[11] = flags;
            BpfCalls.WriteName(a.Bytes + 48, name);
            return BpfCalls.Call(BpfCalls.ProgramLoad, &a);
        }
    }
}

/// <summary>What a test run gave.</summary>
/// <param name="Result">What the program returned, R0.</param>
/// <param name="LengthBytes">Length of the frame behind it.</param>
/// <param name="NsPerRun">Mean time.</param>
public readonly record struct BpfRun(int Result, int LengthBytes, int NsPerRun);

/// <summary>Kinds of programs (<c>enum bpf_prog_type</c>).</summary>
public enum BpfProgramType
{
    /// <summary>tc and tcx; the context is <c>struct __sk_buff</c>.</summary>
    SchedCls = 3,

    /// <summary>XDP; the context is <c>struct xdp_md</c>.</summary>
    Xdp = 6,

    /// <summary>At a tracepoint; the context is its arguments, 64 bits each.</summary>
    RawTracepoint = 17,
}
