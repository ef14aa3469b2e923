using System.Globalization;

namespace Mergeflow.Control.Bridges;

/// <summary>What the column <c>statistics</c> of <c>Open_vSwitch</c> says of the machine (ovs-vswitchd.conf.db(5); OVS <c>vswitchd/system-stats.c</c>).</summary>
internal static class SystemStatistics
{
    private const long KiB = 1024;

    /// <summary>The pairs; what cannot be read is left out.</summary>
    public static SortedDictionary<string, string> Read()
    {
        SortedDictionary<string, string> pairs = new(StringComparer.Ordinal) { ["cpu"] = Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture) };
        if (FirstLine("/proc/loadavg")?.Split(' ') is [var one, var five, var fifteen, ..]) pairs["load_average"] = $"{one},{five},{fifteen}";
        if (Memory() is { } memory) pairs["memory"] = memory;
        if (FileSystems() is { Length: > 0 } files) pairs["file_systems"] = files;
        using System.Diagnostics.Process self = System.Diagnostics.Process.GetCurrentProcess();
        long upMs = (long)(DateTime.UtcNow - self.StartTime.ToUniversalTime()).TotalMilliseconds;
        pairs["process_ovs-vswitchd"] = string.Create(CultureInfo.InvariantCulture, $"{self.VirtualMemorySize64 / KiB},{self.WorkingSet64 / KiB},{(long)self.TotalProcessorTime.TotalMilliseconds},0,{upMs},{upMs}");
        return pairs;
    }

    private static string? Memory()
    {
        Dictionary<string, long> values = new(StringComparer.Ordinal);
        foreach (string line in Lines("/proc/meminfo"))
        {
            string[] words = line.Split([':', ' '], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length >= 2 && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out long value)) values[words[0]] = value;
        }

        if (!values.TryGetValue("MemTotal", out long total)) return null;
        long cache = values.GetValueOrDefault("Buffers") + values.GetValueOrDefault("Cached"), used = total - values.GetValueOrDefault("MemFree") - cache;
        long swap = values.GetValueOrDefault("SwapTotal");
        return string.Create(CultureInfo.InvariantCulture, $"{total},{used},{cache},{swap},{swap - values.GetValueOrDefault("SwapFree")}");
    }

    /// <summary>Mounted disks that can be written to: place, size and use in KiB.</summary>
    private static string FileSystems()
    {
        List<string> found = [];
        foreach (DriveInfo drive in DriveInfo.GetDrives().Where(static d => d is { DriveType: DriveType.Fixed, IsReady: true }))
        {
            try
            {
                if (drive.TotalSize > 0 && !drive.Name.Contains(',', StringComparison.Ordinal) && !drive.Name.Contains(' ', StringComparison.Ordinal))
                    found.Add(string.Create(CultureInfo.InvariantCulture, $"{drive.Name},{drive.TotalSize / KiB},{(drive.TotalSize - drive.TotalFreeSpace) / KiB}"));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has gone meanwhile.
            }
        }

        return string.Join(' ', found);
    }

    private static string? FirstLine(string file) => Lines(file).FirstOrDefault();

    private static string[] Lines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (IOException)
        {
            return [];
        }
    }
}
