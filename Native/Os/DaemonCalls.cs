using System.Globalization;

namespace Mergeflow.Native;

/// <summary>What a process does that goes into the background (setsid(2), dup2(2), kill(2)). On another system than Linux nothing.</summary>
public static class DaemonCalls
{
    private const int ReadWrite = 2;
    private const int Terminate = 15;

    /// <summary>Leaves the terminal: a session of its own.</summary>
    public static void LeaveTerminal()
    {
        if (OperatingSystem.IsLinux()) _ = Libc.SetSid();
    }

    /// <summary>Standard input, output and error are <c>/dev/null</c> from now on, the copies that the runtime keeps of them too: whoever waits for them sees their end.</summary>
    /// <param name="kept">A file that stays open, even if a standard stream goes there too; null = none.</param>
    public static void DropStandardStreams(string? kept = null)
    {
        if (!OperatingSystem.IsLinux()) return;
        int nothing = Libc.Open("/dev/null", ReadWrite);
        if (nothing < 0) return;
        HashSet<string> targets = [.. Enumerable.Range(0, 3).Select(TargetOf).OfType<string>()];
        if (kept is not null) targets.Remove(Path.GetFullPath(kept));
        foreach (string link in Directory.GetFileSystemEntries("/proc/self/fd"))
        {
            if (int.TryParse(Path.GetFileName(link), out int fd) && fd > 2 && fd != nothing && TargetOf(fd) is { } target && targets.Contains(target)) _ = Libc.Dup2(nothing, fd);
        }

        for (int fd = 0; fd <= 2; fd++) _ = Libc.Dup2(nothing, fd);
        if (nothing > 2) _ = Libc.Close(nothing);
    }

    /// <summary>Keeps memory that has been used from being swapped out (mlockall(2); pages that nobody has touched take none).</summary>
    /// <returns>Null, or why not.</returns>
    public static string? LockMemory()
    {
        const int current = 1, future = 2, onFault = 4;
        if (!OperatingSystem.IsLinux()) return "not on this system";
        return Libc.LockAll(current | future | onFault) == 0 ? null : new System.ComponentModel.Win32Exception(System.Runtime.InteropServices.Marshal.GetLastPInvokeError()).Message;
    }

    /// <summary>Asks a process to end.</summary>
    public static void End(int process)
    {
        if (OperatingSystem.IsLinux()) _ = Libc.Kill(process, Terminate);
    }

    /// <summary>What is behind a descriptor, as the kernel names it: a path, <c>pipe:[4711]</c>; null = nothing.</summary>
    private static string? TargetOf(int fd)
    {
        try
        {
            return new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{fd}")).LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
