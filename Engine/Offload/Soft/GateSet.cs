using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>Some of the 256 <see cref="RevocationGates"/>: bit g of the words is gate g.</summary>
[InlineArray(WordCount)]
public struct GateSet
{
    /// <summary>Words of 64 gates.</summary>
    public const int WordCount = RevocationGates.Count / 64;

    private ulong _first;

    /// <summary>All that can be open.</summary>
    public static GateSet All
    {
        get
        {
            GateSet all = default;
            ((Span<ulong>)all).Fill(~0UL);
            all[0] &= ~(1UL << RevocationGates.Shut);
            return all;
        }
    }

    /// <summary>Gates in the set.</summary>
    public readonly int Count()
    {
        int count = 0;
        for (int w = 0; w < WordCount; w++) count += BitOperations.PopCount(this[w]);
        return count;
    }
}

/// <summary>Rules that were merged from the same megaflows: they are revoked together.</summary>
internal sealed class GateChain
{
    /// <summary>What its rules stand behind.</summary>
    public byte Gate { get; set; }

    /// <summary>Where the gate's bit is set.</summary>
    public int[] Buckets { get; set; } = [];

    /// <summary>Rules that exist.</summary>
    public int RuleCount { get; set; }

    /// <summary>64 bits of the megaflows' ids and generations.</summary>
    public static ulong KeyOf(MergedFlow rule)
    {
        Span<uint> words = stackalloc uint[(2 * Trace.MaxPasses) + 8];
        words.Clear();
        int n = 0;
        foreach (ref readonly MergedPass p in rule.Passes.AsSpan())
        {
            words[n++] = (uint)p.MegaflowId;
            words[n++] = p.Generation;
        }

        return KeyedHash.Identity(MemoryMarshal.AsBytes(words[..((n + 7) & ~7)]));
    }
}
