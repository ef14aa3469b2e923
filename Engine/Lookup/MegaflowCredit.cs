using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Engine.Lookup;

/// <summary>What merged rules did in a megaflow's name; written by the offload side only, so that no counter has two writers.</summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
public struct MegaflowCredit
{
    public CombinedCounter Counter;

    /// <summary>Written before <see cref="Counter"/>: never older than what that says.</summary>
    public long LastUsedMs;
}
