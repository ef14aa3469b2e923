using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>How a process begins that is to be a switch: with no more rights than it needs, and with a collector that stops packet threads for a short time only.</summary>
public static class SwitchStart
{
    private const string Mark = "MERGEFLOW_STARTED";

    /// <summary>Does not return the first time: the program starts over in the same process. Call it before anything else.</summary>
    public static void Prepare()
    {
        if (Environment.GetEnvironmentVariable(Mark) is not null) return;
        Capabilities.BoundTo(Capabilities.NetAdmin, Capabilities.NetRaw, Capabilities.IpcLock, Capabilities.Perfmon, Capabilities.Bpf);
        ShortCollections.Ensure((Mark, "1"));
    }

    /// <summary>What a switch cannot do without, of what this process lacks; empty = nothing.</summary>
    internal static string Missing()
    {
        IReadOnlyList<string> missing = Capabilities.Missing(Capabilities.NetRaw, Capabilities.NetAdmin);
        return missing.Count == 0 ? "" : $" (this process lacks {string.Join(" and ", missing)})";
    }
}
