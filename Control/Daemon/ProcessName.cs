namespace Mergeflow.Control;

/// <summary>The name by which scripts look for the process (<c>/proc/PID/comm</c>): <c>ovs-ctl</c> takes only a process of the daemon's name for the daemon.</summary>
public static class ProcessName
{
    /// <summary>Sets it, 15 bytes at most; where the system does not let it, it stays as it is.</summary>
    public static void Set(string name)
    {
        try
        {
            File.WriteAllText("/proc/self/comm", name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Scripts will not know it; it runs all the same.
        }
    }
}
