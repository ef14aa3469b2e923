using System.Runtime.InteropServices;

namespace Mergeflow.Engine.Actions;

/// <remarks>What only tests look at.</remarks>
public unsafe partial struct DpAction
{
    /// <summary>The record's bytes.</summary>
    public Span<byte> Bytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref this, 1));
}
