using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>
/// The processor's time stamp counter, for cycle counts (DPDK <c>rte_rdtsc</c>). It runs at a fixed rate, whatever the clock of the
/// core does: a "cycle" is one tick of it.
/// </summary>
/// <remarks>
/// .NET has no intrinsic for <c>rdtsc</c>, so a ten-byte function is placed in a page of its own, which is made executable after it
/// has been written, never both at once. Where that is refused, or on another processor, the system clock is scaled to the nominal rate.
/// </remarks>
public static unsafe class TscClock
{
    private const int CalibrationMs = 25;

    private static readonly delegate* unmanaged[SuppressGCTransition]<ulong> Stub = CreateStub();
    private static readonly double FallbackRate = NominalHz() / Stopwatch.Frequency;
    private static readonly Lazy<double> Rate = new(Calibrate);

    /// <summary>True if <see cref="Now"/> is the processor's own counter.</summary>
    public static bool IsHardware => Stub != null;

    /// <summary>Ticks per second. The first call measures for 25 ms: ask for it at start-up.</summary>
    public static double FrequencyHz => Rate.Value;

    /// <summary>The counter now, in ticks.</summary>
    public static ulong Now => Stub != null ? Stub() : (ulong)(Stopwatch.GetTimestamp() * FallbackRate);

    /// <summary>A number of ticks in nanoseconds.</summary>
    public static double ToNs(ulong ticks) => ticks * (1e9 / FrequencyHz);

    private static delegate* unmanaged[SuppressGCTransition]<ulong> CreateStub()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64) return null;

        // rdtsc; shl rdx, 32; or rax, rdx; ret
        ReadOnlySpan<byte> code = [0x0f, 0x31, 0x48, 0xc1, 0xe2, 0x20, 0x48, 0x09, 0xd0, 0xc3];
        nuint pageBytes = PinnedMemory.PageSizeBytes;
        void* page = PinnedMemory.Map(pageBytes);
        if (page == null) return null;
        code.CopyTo(new Span<byte>(page, code.Length));
        if (Libc.Mprotect(page, pageBytes, Libc.ProtRead | Libc.ProtExec) == 0) return (delegate* unmanaged[SuppressGCTransition]<ulong>)page;
        _ = Libc.Munmap(page, pageBytes);
        return null;
    }

    /// <summary>Counts ticks over a span of the system clock; the median of five rides out an interruption between two reads.</summary>
    private static double Calibrate()
    {
        if (Stub == null) return NominalHz();
        Span<double> rates = stackalloc double[5];
        foreach (ref double rate in rates)
        {
            long start = Stopwatch.GetTimestamp();
            ulong from = Now;
            while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < CalibrationMs / 5.0) Thread.SpinWait(20);
            long end = Stopwatch.GetTimestamp();
            rate = (Now - from) * (double)Stopwatch.Frequency / (end - start);
        }

        rates.Sort();
        return rates[2];
    }

    /// <summary>The rate the processor's name or the kernel gives, else 1 GHz: only used where the counter cannot be read.</summary>
    private static double NominalHz()
    {
        const string CpuInfo = "/proc/cpuinfo";
        if (!File.Exists(CpuInfo)) return 1e9;
        string? line = File.ReadLines(CpuInfo).FirstOrDefault(l => l.StartsWith("cpu MHz", StringComparison.Ordinal));
        return double.TryParse(line?[(line.IndexOf(':') + 1)..], CultureInfo.InvariantCulture, out double megahertz) && megahertz > 0 ? megahertz * 1e6 : 1e9;
    }
}
