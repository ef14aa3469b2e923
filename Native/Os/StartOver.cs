namespace Mergeflow.Native;

/// <summary>A program that starts over, in the same process, with other variables: the runtime reads its own from the environment, at start.</summary>
public static unsafe class StartOver
{
    /// <summary>
    /// Does not return, where the system lets us. Call it before anything else: threads and open files do not survive. Returns without Linux, or if none of the variables
    /// would be new: those that are set stay as they are.
    /// </summary>
    public static void With(params ReadOnlySpan<(string Name, string Value)> variables)
    {
        if (!OperatingSystem.IsLinux()) return;
        string? program = new FileInfo("/proc/self/exe").LinkTarget;
        byte[] commandLine = File.ReadAllBytes("/proc/self/cmdline");
        if (program is null || commandLine is not [.., 0]) return;
        bool isNew = false;
        foreach ((string name, string value) in variables)
        {
            if (Environment.GetEnvironmentVariable(name) is null) isNew |= Libc.SetEnv(name, value, 1) == 0;
        }

        if (!isNew) return;

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
