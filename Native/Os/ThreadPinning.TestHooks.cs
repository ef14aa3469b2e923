namespace Mergeflow.Native;

/// <remarks>What only tests look at.</remarks>
public static unsafe partial class ThreadPinning
{
    /// <summary>The processor the calling thread runs on right now; -1 if the system does not say.</summary>
    public static int CurrentCpu() => OperatingSystem.IsLinux() ? Libc.SchedGetCpu() : -1;
}
