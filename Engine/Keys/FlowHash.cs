using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Native;

namespace Mergeflow.Engine.Keys;

/// <summary>The datapath's keyed hash over lanes; see <see cref="KeyedHash"/>.</summary>
public static class FlowHash
{
    /// <summary>Hash of the two hot lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(Vector256<byte> lane0, Vector256<byte> lane1) => KeyedHash.Hash64(lane0, lane1);

    /// <summary>Extends <paramref name="hash"/> by one more lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Chain(ulong hash, Vector256<byte> lane)
        => KeyedHash.Hash32(lane, hash);
}
