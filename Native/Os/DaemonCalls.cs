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

    /// <summary>Standard input, output and error are <c>/dev/null</c> from now on: whoever waits for them sees their end.</summary>
    public static void DropStandardStreams()
    {
        if (!OperatingSystem.IsLinux()) return;
        int nothing = Libc.Open("/dev/null", ReadWrite);
        if (nothing < 0) return;
        for (int fd = 0; fd <= 2; fd++) _ = Libc.Dup2(nothing, fd);
        if (nothing > 2) _ = Libc.Close(nothing);
    }

    /// <summary>Asks a process to end.</summary>
    public static void End(int process)
    {
        if (OperatingSystem.IsLinux()) _ = Libc.Kill(process, Terminate);
    }
}
