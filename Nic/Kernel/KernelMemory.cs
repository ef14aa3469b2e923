using System.Numerics;
using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <summary>The maps that a device and its programs share: buckets, slots, and what both sides tell each other.</summary>
internal sealed unsafe class KernelMemory : IDisposable
{
    /// <summary>Maps for so many rules.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public KernelMemory(int ruleCount)
    {
        SlotCount = (int)BitOperations.RoundUpToPowerOf2((uint)ruleCount + 1);

        // Four times as many places as rules: with two buckets for each, of which the first is taken while it has room, 100,000 rules find none in one table of a thousand.
        BucketBits = Math.Max(1, int.Log2(SlotCount / KernelLayout.Ways * 4));
        Buckets = BpfMap.Shared((1 << BucketBits) * KernelLayout.BucketBytes, "mf_buckets");
        Slots = BpfMap.Shared(SlotCount * KernelLayout.SlotBytes, "mf_slots");
        Control = BpfMap.Shared(KernelLayout.ControlBytes, "mf_control");
        Headers = BpfMap.Shared(KernelLayout.HeaderCount * KernelLayout.HeaderBytes, "mf_headers");
    }

    public int SlotCount { get; }

    public int BucketBits { get; }

    public BpfMap Buckets { get; }

    public BpfMap Slots { get; }

    public BpfMap Control { get; }

    /// <summary>Outer headers.</summary>
    public BpfMap Headers { get; }

    /// <summary>A table in this memory.</summary>
    /// <exception cref="IOException">More processors than it has words for.</exception>
    public KernelTable NewTable()
    {
        int processors = PossibleProcessors();
        if (processors > KernelLayout.MaxProcessors) throw new IOException($"the kernel's table has words for {KernelLayout.MaxProcessors} processors, there may be {processors}");
        return NewTable(processors);
    }

    /// <summary>A table that waits for so many processors.</summary>
    internal KernelTable NewTable(int processors) => new(Buckets.Memory, BucketBits, Slots.Memory, SlotCount, Control.Memory, processors);

    public void Dispose()
    {
        Buckets.Dispose();
        Slots.Dispose();
        Control.Dispose();
        Headers.Dispose();
    }

    /// <summary>Highest processor that may ever run a program, plus 1.</summary>
    internal static int PossibleProcessors()
    {
        const string possible = "/sys/devices/system/cpu/possible";
        string text = File.Exists(possible) ? File.ReadAllText(possible).Trim() : "";
        return int.TryParse(text.Split(',', '-')[^1], out int last) ? last + 1 : KernelLayout.MaxProcessors;
    }
}
