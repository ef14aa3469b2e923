namespace Mergeflow.Perf;

/// <summary>The machine that a result comes from.</summary>
public sealed record HostInfo
{
    /// <summary>Processor, as the kernel names it.</summary>
    public required string CpuModel { get; init; }

    /// <summary>Vendor, family, model and stepping, e.g. <c>AuthenticAMD 25/1/1</c>: tells processors of one name apart.</summary>
    public required string CpuIdentity { get; init; }

    /// <summary>Processors that the program may use.</summary>
    public required IReadOnlyList<int> Cpus { get; init; }

    /// <summary>Rate of the time stamp counter, Hz.</summary>
    public required double TscHz { get; init; }

    /// <summary>False where cycles are scaled from the system clock.</summary>
    public required bool TscIsHardware { get; init; }

    /// <summary>Kernel name and release.</summary>
    public required string Kernel { get; init; }

    /// <summary>Operating system.</summary>
    public required string OperatingSystem { get; init; }

    /// <summary>Runs in a virtual machine.</summary>
    public required bool IsVirtual { get; init; }

    /// <summary>Memory, bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Reserved huge pages of 2 MiB: total.</summary>
    public required int HugePagesReserved { get; init; }

    /// <summary>Setting of transparent huge pages: <c>always</c>, <c>madvise</c>, <c>never</c> or empty.</summary>
    public required string TransparentHugePages { get; init; }

    /// <summary>Load average over one minute when the run began: other work makes figures noisy.</summary>
    public required double LoadAverage { get; init; }
}
