using System.Runtime.InteropServices;

namespace Mergeflow.Nic;

/// <summary>One reader's word of a <see cref="NicGate{TFence}"/>, on two cache lines of its own: the prefetcher fetches lines in pairs.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct GateReaderWord
{
    /// <summary>1 = inside.</summary>
    [FieldOffset(0)] public int Value;
}
