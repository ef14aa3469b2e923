namespace Mergeflow.Native;

/// <summary>
/// A process that is confined to one processor (<c>taskset -c 1</c>) gets tier-1 code ten times later: the runtime multiplies the 100 ms after
/// which it begins to count calls by <c>TC_DelaySingleProcMultiplier</c>, and every method that runs for the first time starts them again. A
/// measurement of a few seconds then sees unoptimized code: 450 cycles per packet where 33 are true. The multiplier is read from the environment
/// only, at start; so the program starts over, in the same process, with a multiplier of one.
/// </summary>
public static class OneCoreStart
{
    /// <summary>The runtime's variable.</summary>
    public const string Variable = "DOTNET_TC_DelaySingleProcMultiplier";

    /// <summary>
    /// Starts over if the process has one processor only and the variable is not set; then it does not return. Call it before anything else:
    /// threads and open files do not survive. Returns where there is no need, no Linux, or the system does not let us.
    /// </summary>
    public static void Ensure()
    {
        if (Environment.ProcessorCount == 1) StartOver.With((Variable, "1"));
    }
}
