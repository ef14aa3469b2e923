using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>bpf(2). There is no function for it in the C library.</summary>
internal static unsafe partial class BpfCalls
{
    public const int MapCreate = 0;
    public const int MapLookup = 1;
    public const int MapUpdate = 2;
    public const int MapDelete = 3;
    public const int ProgramLoad = 5;
    public const int ProgramTestRun = 10;
    public const int RawTracepointOpen = 17;
    public const int MapFreeze = 22;
    public const int LinkCreate = 28;
    public const int LinkUpdate = 29;
    public const int LinkDetach = 34;

    public const int NoEntry = 2;
    public const int Again = 11;
    public const int MapShared = 1;

    private const nint Number = 321;
    private const int AttemptsOfLoad = 5;

    /// <summary>Calls the kernel; the result or the error is a number of its own, see <see cref="Errno"/>.</summary>
    public static int Call(int command, BpfAttributes* attributes)
    {
        // The verifier gives up with EAGAIN when a signal is pending.
        for (int i = 0; ; i++)
        {
            nint result = SystemCall(Number, command, (byte*)attributes, (uint)sizeof(BpfAttributes));
            if (result >= 0 || Errno != Again || command != ProgramLoad || i == AttemptsOfLoad) return (int)result;
        }
    }

    /// <summary>errno of the last call of this thread.</summary>
    public static int Errno => Marshal.GetLastPInvokeError();

    /// <summary>What the kernel has refused, in its own words.</summary>
    public static BpfException Failure(string call, string? log = null)
    {
        int errno = Errno;
        return new BpfException($"bpf({call}): {new Win32Exception(errno).Message}", errno, log);
    }

    /// <summary>A name as the kernel takes it: at most 15 of letters, digits, '_' and '.'.</summary>
    public static void WriteName(byte* to, string name)
    {
        for (int i = 0; i < Math.Min(name.Length, 15); i++) to[i] = char.IsAsciiLetterOrDigit(name[i]) || name[i] is '_' or '.' ? (byte)name[i] : (byte)'_';
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, int command, byte* attributes, uint sizeBytes);
}

/// <summary><c>union bpf_attr</c>: what a command does not use is 0.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal unsafe struct BpfAttributes
{
    [FieldOffset(0)] public fixed uint Words[32];
    [FieldOffset(0)] public fixed ulong Quads[16];
    [FieldOffset(0)] public fixed byte Bytes[128];
}

/// <summary>The kernel has refused a map, a program or a link.</summary>
public sealed class BpfException(string message, int errno, string? verifierLog) : IOException(message)
{
    /// <summary>Why.</summary>
    public int Errno { get; } = errno;

    /// <summary>What the verifier says; null if it was not asked.</summary>
    public string? VerifierLog { get; } = verifierLog;
}
