using System.Numerics;
using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.Offload;

/// <summary>Some of the 256 <see cref="RevocationGates"/>: bit g of the words is gate g.</summary>
[InlineArray(WordCount)]
public struct GateSet
{
    /// <summary>Words of 64 gates.</summary>
    public const int WordCount = RevocationGates.Count / 64;

    private ulong _first;

    /// <summary>True if <paramref name="gate"/> is in the set.</summary>
    public readonly bool Contains(int gate) => ((this[gate >> 6] >> (gate & 63)) & 1) != 0;

    /// <summary>Gates in the set.</summary>
    public readonly int Count()
    {
        int count = 0;
        for (int w = 0; w < WordCount; w++) count += BitOperations.PopCount(this[w]);
        return count;
    }
}
