namespace Mergeflow.Native;

/// <summary>
/// A process that is confined to one processor (<c>taskset -c 1</c>) gets tier-1 code ten times later: the runtime multiplies the 100 ms after
/// which it begins to count calls by <c>TC_DelaySingleProcMultiplier</c>, and every method that runs for the first time starts them again. A
/// measurement of a few seconds then sees unoptimized code: 450 cycles per packet where 33 are true. The multiplier is read from the environment
/// only, at start; so the program starts over, in the same process, with a multiplier of one.
/// </summary>
public static unsafe class OneCoreStart
{
    /// <summary>The runtime's variable.</summary>
    public const string Variable = "DOTNET_TC_DelaySingleProcMultiplier";

    /// <summary>
    /// Starts over if the process has one processor only and the variable is not set; then it does not return. Call it before anything else:
    /// threads and open files do not survive. Returns where there is no need, no Linux, or the system does not let us.
    /// </summary>
    public static void Ensure()
    {
        if (!OperatingSystem.IsLinux() || Environment.ProcessorCount > 1 || Environment.GetEnvironmentVariable(Variable) is not null) return;
        string? program = new FileInfo("/proc/self/exe").LinkTarget;
        byte[] commandLine = File.ReadAllBytes("/proc/self/cmdline");
        if (program is null || commandLine is not [.., 0]) return;
        if (Libc.SetEnv(Variable, "1", 1) != 0) return;

        // The arguments, as they came, each ended by a zero byte.
        byte[] path = [.. System.Text.Encoding.UTF8.GetBytes(program), 0];
        int count = commandLine.AsSpan().Count((byte)0);
        byte*[] arguments = new byte*[count + 1];
        fixed (byte* text = commandLine, pathBytes = path)
        fixed (byte** vector = arguments)
        {
            for (int i = 0, at = 0; i < count; i++)
            {
                vector[i] = text + at;
                at += commandLine.AsSpan(at).IndexOf((byte)0) + 1;
            }

            _ = Libc.ExecV(pathBytes, vector);
        }
    }
}
