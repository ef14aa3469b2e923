namespace Mergeflow.Cli;

/// <summary>What this process holds.</summary>
/// <param name="ResidentBytes">Memory in RAM (proc(5) <c>VmRSS</c>).</param>
/// <param name="HeapBytes">Managed heap as the last collection has left it, fragments included; before the first one, all that was allocated.</param>
/// <param name="Descriptors">Open file descriptors.</param>
internal readonly record struct ProcessMemory(long ResidentBytes, long HeapBytes, int Descriptors)
{
    /// <summary>At this moment.</summary>
    public static ProcessMemory Now()
    {
        long heap = GC.GetGCMemoryInfo(GCKind.Any).HeapSizeBytes;
        return new ProcessMemory(Environment.WorkingSet, heap == 0 ? GC.GetTotalMemory(forceFullCollection: false) : heap, CountDescriptors());
    }

    private static int CountDescriptors()
    {
        try
        {
            // One of them is that of the listing.
            return Directory.EnumerateFileSystemEntries("/proc/self/fd").Count() - 1;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
