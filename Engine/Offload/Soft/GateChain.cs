using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>Rules that were merged from the same megaflows: they are revoked together.</summary>
internal sealed class GateChain(ulong key, byte gate, int[] buckets)
{
    /// <summary>Recognises the chain.</summary>
    public ulong Key { get; } = key;

    /// <summary>What its rules stand behind.</summary>
    public byte Gate { get; } = gate;

    /// <summary>Where the gate's bit is set.</summary>
    public int[] Buckets { get; } = buckets;

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
