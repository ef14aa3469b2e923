using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <remarks>What only tests look at.</remarks>
internal sealed unsafe partial class KernelTable
{
    /// <summary>A table in memory of this process alone.</summary>
    /// <param name="block">At least <see cref="TestBytes"/>, all zero.</param>
    /// <param name="processorCount">Processors that are waited for.</param>
    public static KernelTable In(PinnedBlock block, int processorCount)
        => new(block.Pointer + KernelLayout.ControlBytes, 1, block.Pointer + KernelLayout.ControlBytes + (2 * KernelLayout.BucketBytes), TestSlots, block.Pointer, processorCount);

    /// <summary>Slots of such a table, the one that is never used included.</summary>
    public const int TestSlots = 2;

    /// <summary>Bytes that it needs.</summary>
    public const int TestBytes = KernelLayout.ControlBytes + (2 * KernelLayout.BucketBytes) + (TestSlots * KernelLayout.SlotBytes);

    /// <summary>What the program does on one processor for a frame with that key, P1 to P6. True if a rule took it.</summary>
    public bool Visit(KernelTemplate template, ref NicKey key, int processor)
    {
        ref long inside = ref *(long*)(_control + KernelLayout.Readers + (processor * KernelLayout.ReaderBytes));
        Interleaving.Atomic("P1");
        Interlocked.Increment(ref inside);
        bool isHit = Use(template, ref key);
        Interleaving.Store(ref inside, 0, "P6");
        return isHit;
    }

    private bool Use(KernelTemplate template, ref NicKey key)
    {
        Span<ulong> words = stackalloc ulong[KernelLayout.MaxKeyWords];
        words = words[..template.WordsOf(ref key, words)];
        ulong hash = template.Hash(words);
        uint tag = KernelTemplate.TagOf(hash);
        byte* bucket = BucketAt(HomeOf(hash));
        Interleaving.Step("P2 tag");
        int way = Find(HomeOf(hash), tag);
        if (way < 0) return false;
        Interleaving.Step("P2 slot");
        byte* s = SlotAt(Volatile.Read(ref *(uint*)(bucket + KernelLayout.BucketSlots + (4 * way))) & ~KernelLayout.SpilledBit);
        Interleaving.Step("P2 alive");
        if (Volatile.Read(ref *(uint*)(s + KernelLayout.Alive)) == 0) return false;
        Interleaving.Step("P3");
        for (int i = 0; i < words.Length; i++)
        {
            if (Volatile.Read(ref *(ulong*)(s + KernelLayout.KeyWord(i))) != words[i]) return false;
        }

        Interleaving.Step("P3 gate");
        if (Volatile.Read(ref *(int*)(_control + KernelLayout.Gates + (4 * *(ushort*)(s + KernelLayout.Gate)))) != 0) return false;
        Interleaving.Atomic("P4");
        Interlocked.Increment(ref *(long*)(s + KernelLayout.Packets));
        return true;
    }
}
