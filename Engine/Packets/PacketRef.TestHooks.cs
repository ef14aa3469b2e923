using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Packets;

/// <remarks>What only tests look at.</remarks>
public readonly unsafe partial struct PacketRef
{
    /// <summary>The frame's bytes.</summary>
    public Span<byte> Frame => new(Pointer->Data, Pointer->LengthBytes);

    /// <summary>Lanes of <see cref="Key"/> that are valid.</summary>
    public uint KeyLanes => Pointer->KeyLanes;

    /// <summary>Sets metadata lanes from <paramref name="key"/> (all lanes), as a test or tunnel would.</summary>
    public void SetKey(ref FlowKey key)
    {
        Pointer->Key = key;
        Pointer->KeyLanes = FlowKey.LaneMap(ref key) | FlowKey.HotLanes;
    }

    /// <summary>
    /// Makes the packet describe bytes elsewhere, for instance up against a guard page. <paramref name="unmanagedFrame"/> must be
    /// memory that does not move, with <see cref="Packet.ReadableTailroomBytes"/> readable bytes behind it and no headroom.
    /// </summary>
    public void PointAt(Span<byte> unmanagedFrame, uint inPort)
        => PacketPool.Reset(Pointer, (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(unmanagedFrame)), unmanagedFrame.Length, 0, inPort);

    /// <summary>Parses the frame unless the key describes it already.</summary>
    public void EnsureParsed() => MiniflowExtractor.EnsureParsed(Pointer);

    /// <summary>Parses the frame unless a parser would find just what the key says.</summary>
    public void EnsureCurrent() => MiniflowExtractor.EnsureCurrent(Pointer);

    /// <summary>Parses the frame with a chosen kernel.</summary>
    public void Extract<TKernel>()
        where TKernel : struct, IMiniflowKernel
        => MiniflowExtractor.Extract<TKernel>(Pointer);
}
