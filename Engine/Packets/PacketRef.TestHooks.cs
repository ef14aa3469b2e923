using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

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

    /// <summary>See <see cref="PartialChecksum.TryEnter"/>.</summary>
    public bool TryEnterPartial(int startBytes, int offsetBytes) => PartialChecksum.TryEnter(Pointer, startBytes, offsetBytes);

    /// <summary>See <see cref="PartialChecksum.WireValue"/>; host order.</summary>
    public ushort WireChecksum => new Be16(PartialChecksum.WireValue(Pointer)).Host;

    /// <summary>See <see cref="PartialChecksum.Complete"/>.</summary>
    public void CompleteChecksum() => PartialChecksum.Complete(Pointer);

    /// <summary>The frames that a packet with a partial checksum is cut into as a super-frame.</summary>
    public IReadOnlyList<byte[]> Cut(byte gsoType, ushort gsoSizeBytes)
    {
        (Pointer->GsoType, Pointer->GsoSizeBytes) = (gsoType, gsoSizeBytes);
        List<byte[]> frames = [];
        byte[] room = new byte[SuperFrame.WireLengthBytes(Pointer)];
        fixed (byte* to = room)
        {
            for (int i = 0; i < SuperFrame.CountOf(Pointer); i++) frames.Add(room[..SuperFrame.Write(Pointer, i, to)]);
        }

        return frames;
    }
}
