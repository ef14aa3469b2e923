using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Native;

namespace Mergeflow.Engine.Keys;

/// <summary>
/// What OpenFlow tables can match: the datapath's <see cref="FlowKey"/> followed by three lanes that only the
/// pipeline knows (registers and metadata). OVS calls it <c>struct flow</c>; a mask has the same shape.
/// </summary>
/// <remarks>
/// <code>
/// lane bytes    content
/// 0..8   0..287 FlowKey
///  9..10 288..351 reg0..reg15, 4 bytes each, network order (xreg0 = reg0:reg1, xxreg0 = reg0:..:reg3)
/// 11   352..383 metadata[+0, 8 bytes] conj_id[+8] actset_output[+12]
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
public unsafe struct PipelineFlow
{
    /// <summary>Size in bytes.</summary>
    public const int SizeBytes = 384;

    /// <summary>Number of 32-byte lanes.</summary>
    public const int LaneCount = 12;

    [FieldOffset(0)] public FlowKey Key;
    [FieldOffset(352)] public Be64 Metadata;
    [FieldOffset(360)] public Be32 ConjId;
    [FieldOffset(364)] public Be32 ActsetOutput;

    /// <summary>The bytes.</summary>
    public Span<byte> Bytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref this, 1));

    /// <summary>Reference to lane <paramref name="lane"/>, 0..11.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref Vector256<byte> Lane(ref PipelineFlow flow, int lane)
        => ref Unsafe.Add(ref Unsafe.As<PipelineFlow, Vector256<byte>>(ref flow), lane);

    /// <summary>The same, for reading.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref readonly Vector256<byte> ReadLane(ref readonly PipelineFlow flow, int lane)
        => ref Unsafe.Add(ref Unsafe.As<PipelineFlow, Vector256<byte>>(ref Unsafe.AsRef(in flow)), lane);

    /// <summary>The bytes, for reading.</summary>
    public static ReadOnlySpan<byte> BytesOf(ref readonly PipelineFlow flow) => MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(in flow, 1));
}
