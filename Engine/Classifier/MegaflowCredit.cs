using System.Runtime.InteropServices;

namespace Mergeflow.Engine;

/// <summary>What merged rules did in a megaflow's name; written by the aging thread only, so that no counter has two writers.</summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
public struct MegaflowCredit
{
    public ulong Packets;
    public ulong Bytes;
    public long LastUsedMs;
}
