using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>Finds out what the program runs on.</summary>
public static partial class HostProbe
{
    /// <summary>Processors of the process, as they were before any thread was pinned: the first use must come from an unpinned thread.</summary>
    public static IReadOnlyList<int> ProcessCpus { get; } = PacketCpus.OfProcess;

    /// <summary>Reads /proc and /sys; what is not there stays empty.</summary>
    public static HostInfo Probe()
    {
        string cpu = Read("/proc/cpuinfo");
        return new HostInfo
        {
            CpuModel = Field(cpu, "model name") is { Length: > 0 } model ? model : RuntimeInformation.ProcessArchitecture.ToString(),
            CpuIdentity = $"{Field(cpu, "vendor_id")} {Field(cpu, "cpu family")}/{Field(cpu, "model")}/{Field(cpu, "stepping")}",
            Cpus = ProcessCpus,
            TscHz = TscClock.FrequencyHz,
            TscIsHardware = TscClock.IsHardware,
            Kernel = Environment.OSVersion.VersionString,
            OperatingSystem = RuntimeInformation.OSDescription,
            IsVirtual = Field(cpu, "flags").Split(' ').Contains("hypervisor"),
            MemoryBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            HugePagesReserved = int.TryParse(Read("/proc/sys/vm/nr_hugepages"), out int pages) ? pages : 0,
            TransparentHugePages = ChosenSetting().Match(Read("/sys/kernel/mm/transparent_hugepage/enabled")).Groups[1].Value,
            LoadAverage = double.TryParse(Read("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture, out double load) ? load : 0,
        };
    }

    /// <summary>Commit that the working directory or the program is in, or null.</summary>
    public static string? Commit()
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            string git = Path.Combine(folder, ".git");
            if (File.Exists(git)) git = Path.Combine(folder, Read(git).Replace("gitdir:", "").Trim());
            if (!Directory.Exists(git)) continue;
            string head = Read(Path.Combine(git, "HEAD")).Trim();
            if (!head.StartsWith("ref: ", StringComparison.Ordinal)) return head.Length >= 12 ? head[..12] : null;
            string common = Path.GetFullPath(Path.Combine(git, Read(Path.Combine(git, "commondir")).Trim()));
            return Resolve(git, head[5..]) ?? Resolve(common, head[5..]);
        }

        return null;
    }

    private static string? Resolve(string git, string reference)
    {
        string hash = Read(Path.Combine(git, reference)).Trim();
        if (hash.Length == 0)
        {
            string? line = Read(Path.Combine(git, "packed-refs")).Split('\n').FirstOrDefault(l => l.EndsWith(' ' + reference));
            hash = line?.Split(' ')[0] ?? "";
        }

        return hash.Length >= 12 ? hash[..12] : null;
    }

    private static string Read(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string Field(string cpuInfo, string name)
    {
        string? line = cpuInfo.Split('\n').FirstOrDefault(l => l.Split(':')[0].Trim() == name);
        return line is null ? "" : line[(line.IndexOf(':') + 1)..].Trim();
    }

    [GeneratedRegex(@"\[(\w+)\]")]
    private static partial Regex ChosenSetting();
}
