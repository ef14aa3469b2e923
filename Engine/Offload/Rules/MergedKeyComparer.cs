using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>Two rules of one table are the same rule if mask and value are.</summary>
internal sealed class MergedKeyComparer : IEqualityComparer<MergedFlow>
{
    public bool Equals(MergedFlow? x, MergedFlow? y)
    {
        if (x is null || y is null) return ReferenceEquals(x, y);
        return x.Table == y.Table && FlowKey.Same(ref x.Value, ref y.Value) && FlowKey.Same(ref x.Mask, ref y.Mask);
    }

    public int GetHashCode([DisallowNull] MergedFlow obj)
    {
        // Masks are few: the value alone spreads well enough.
        return (int)KeyedHash.Hash(MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref obj.Value, 1)));
    }
}
