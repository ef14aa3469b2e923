using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <summary>
/// The rules in memory that the program in the kernel reads. One thread writes, without system calls; any number of processors read and count.
/// </summary>
/// <remarks>
/// Protocol. Each processor has a word <c>inside</c>: how many runs of the program are under way on it (one, or more if one interrupts another).
/// <code>
/// program                                             writer
/// P1  inside += 1, locked: a fence too                W1  alive = 0
/// P2  tag is there, slot, alive -> go on              W2  fence
/// P3  key is equal                                    W3  wait until each inside has been seen 0
/// P4  packets += 1, bytes += length, locked           W4  read the counters: they are final
/// P5  change and send the frame by the slot           W5  tag = 0; the slot may be used for another rule
/// P6  inside -= 1
/// W6  a new rule: the slot with alive = 0 is filled, alive = its serial number, then the slot's number, then the tag
/// </code>
/// P1 is locked, so a run that W3 does not see begins behind W2 and sees W1. A run that read the tag before W5 has been waited for, so W6 never changes a slot that somebody still reads.
/// P6 need not be locked: whatever interrupts a run leaves the word as it was.
/// </remarks>
internal sealed unsafe partial class KernelTable
{
    private readonly byte* _buckets;
    private readonly byte* _slots;
    private readonly byte* _control;
    private readonly uint _bucketMask;
    private readonly int _processorCount;
    private readonly Stack<uint> _free = new();
    private readonly int[] _spilled;

    /// <summary>An empty table in memory that is all zero.</summary>
    /// <param name="buckets"><c>2 ^ bucketBits</c> buckets.</param>
    /// <param name="bucketBits">At least 1.</param>
    /// <param name="slots">Place for <paramref name="slotCount"/> slots; slot 0 is never used.</param>
    /// <param name="slotCount">A power of two.</param>
    /// <param name="control"><see cref="KernelLayout.ControlBytes"/>.</param>
    /// <param name="processorCount">Processors that may run the program, and are waited for.</param>
    public KernelTable(byte* buckets, int bucketBits, byte* slots, int slotCount, byte* control, int processorCount)
    {
        _buckets = buckets;
        _slots = slots;
        _control = control;
        _bucketMask = (1u << bucketBits) - 1;
        BucketBits = bucketBits;
        SlotCount = slotCount;
        _processorCount = processorCount;
        _spilled = new int[1 << bucketBits];
        for (uint i = (uint)slotCount - 1; i > 0; i--) _free.Push(i);
    }

    public int BucketBits { get; }

    public int SlotCount { get; }

    /// <summary>A slot that no rule has; 0 if there is none.</summary>
    public uint TakeSlot() => _free.TryPop(out uint slot) ? slot : 0;

    /// <summary>The slot was not used.</summary>
    public void GiveSlotBack(uint slot) => _free.Push(slot);

    /// <summary>Asks for the memory that <see cref="TryPut"/> and <see cref="Remove"/> will touch.</summary>
    public void Prefetch(uint slot, ulong hash)
    {
        byte* s = SlotAt(slot);
        Native.Prefetch.Read(BucketAt(HomeOf(hash)));
        Native.Prefetch.Read(s);
        Native.Prefetch.Read(s + KernelLayout.Packets);
    }

    /// <summary>The slot of a new rule, or 0: see <see cref="TryPut"/>.</summary>
    public uint Insert(KernelTemplate template, ref NicKey key, KernelActions actions, ushort gate, out bool isThere)
    {
        isThere = false;
        uint slot = TakeSlot();
        if (slot == 0 || TryPut(slot, template, ref key, template.HashOf(ref key), actions, gate, 1, out isThere)) return slot;
        GiveSlotBack(slot);
        return 0;
    }

    /// <summary>W6, in a slot from <see cref="TakeSlot"/>. False: both buckets are full or hold the same tag; or the key is there already. <paramref name="serial"/> 0: no frame uses it.</summary>
    public bool TryPut(uint slot, KernelTemplate template, ref NicKey key, ulong hash, KernelActions actions, ushort gate, uint serial, out bool isThere)
        => TryPut(slot, template, ref key, hash, actions, default, gate, serial, out isThere);

    /// <summary>The same for a rule that has more than a slot: what it puts on frames, and its further outputs.</summary>
    public bool TryPut(uint slot, KernelTemplate template, ref NicKey key, ulong hash, KernelActions actions, KernelPlaces places, ushort gate, uint serial, out bool isThere)
    {
        Span<ulong> words = stackalloc ulong[KernelLayout.MaxKeyWords];
        words = words[..template.WordsOf(ref key, words)];
        uint tag = KernelTemplate.TagOf(hash);
        uint home = HomeOf(hash), other = KernelTemplate.OtherBucket(home, tag, _bucketMask);

        // The program stops at the first equal tag, so one of a kind in a bucket, and in the two that a lookup visits.
        isThere = false;
        if (Find(home, tag) >= 0 || Find(other, tag) >= 0)
        {
            isThere = Holds(home, tag, words) || Holds(other, tag, words);
            return false;
        }

        uint bucket = home;
        int way = Find(home, 0);
        if (way < 0 && (way = Find(bucket = other, 0)) < 0) return false;
        byte* s = SlotAt(slot);
        Write(s, words, actions);
        if (places.Header != 0) *(ushort*)(s + KernelLayout.Header) = places.Header;
        if (places.More is { } more) WriteOutputs(s, actions, more);
        s[KernelLayout.MinTtl] = actions.Body[KernelLayout.MinTtl];
        s[KernelLayout.Seen] = 0;
        *(ushort*)(s + KernelLayout.Gate) = gate;
        Interleaving.Step("W6 alive");
        Volatile.Write(ref *(uint*)(s + KernelLayout.Alive), serial);
        byte* b = BucketAt(bucket);
        uint spilled = *(uint*)(b + KernelLayout.BucketSlots) & KernelLayout.SpilledBit;
        Interleaving.Step("W6 slot");
        Volatile.Write(ref *(uint*)(b + KernelLayout.BucketSlots + (4 * way)), way == 0 ? slot | spilled : slot);
        Interleaving.Step("W6 tag");
        Volatile.Write(ref *(uint*)(b + (4 * way)), tag);
        if (bucket != home && _spilled[home]++ == 0) SetSpilled(home, isOn: true);
        return true;
    }

    /// <summary>The last store of W6 for a rule that was put in with the serial number 0: runs that begin from now on use it.</summary>
    public void Revive(uint slot, uint serial)
    {
        Interleaving.Step("W6 revive");
        Volatile.Write(ref *(uint*)(SlotAt(slot) + KernelLayout.Alive), serial);
    }

    /// <summary>W1: no run of the program that begins from now on uses the rule. <see cref="Quiesce"/> comes next.</summary>
    public void Kill(uint slot) => Interleaving.Store(ref *(int*)(SlotAt(slot) + KernelLayout.Alive), 0, "W1");

    /// <summary>W2 and W3: on return no run is under way that began before the call.</summary>
    public void Quiesce()
    {
        Interleaving.Fence("W2");
        SpinWait spin = default;
        for (int i = 0; i < _processorCount; i++)
        {
            ref ulong inside = ref *(ulong*)(_control + KernelLayout.Readers + (i * KernelLayout.ReaderBytes));
            Interleaving.Step("W3");
            while (Volatile.Read(ref inside) != 0) Interleaving.Spin(ref spin, "W3 wait");
        }
    }

    /// <summary>W5, behind <see cref="Kill"/>, <see cref="Quiesce"/> and the last look at the counters.</summary>
    public void Remove(uint slot, ulong hash)
    {
        uint tag = KernelTemplate.TagOf(hash);
        uint home = HomeOf(hash), bucket = home;
        int way = Find(home, tag);
        if (way < 0)
        {
            bucket = KernelTemplate.OtherBucket(home, tag, _bucketMask);
            way = Find(bucket, tag);
        }

        Interleaving.Step("W5");
        Volatile.Write(ref *(uint*)(BucketAt(bucket) + (4 * way)), 0);
        if (bucket != home && --_spilled[home] == 0) SetSpilled(home, isOn: false);
        _free.Push(slot);
    }

    /// <summary>Counters as they are; <paramref name="packets"/> is read first, so bytes may be ahead.</summary>
    public void Read(uint slot, out ulong packets, out ulong bytes, out ulong last)
    {
        byte* s = SlotAt(slot);
        Interleaving.Step("W4");
        packets = Volatile.Read(ref *(ulong*)(s + KernelLayout.Packets));
        bytes = Volatile.Read(ref *(ulong*)(s + KernelLayout.Bytes));
        last = Volatile.Read(ref *(ulong*)(s + KernelLayout.Last));
    }

    /// <summary>G1: closes or opens a gate: by closed ones nothing goes. Behind closing comes <see cref="Quiesce"/>.</summary>
    public void SetGate(int gate, bool isOpen) => Interleaving.Store(ref *(int*)(_control + KernelLayout.Gates + (4 * gate)), isOpen ? 0 : 1, "G1");

    /// <summary>Whether the program looks at rules at all. Behind switching it off comes <see cref="Quiesce"/>.</summary>
    public void SetMatching(bool isOn) => Volatile.Write(ref *(ulong*)(_control + KernelLayout.Matching), isOn ? 1UL : 0);

    /// <summary>What a hit from now on gets as its time.</summary>
    public void SetClock(long nowNs) => Volatile.Write(ref *(ulong*)(_control + KernelLayout.Clock), (ulong)nowNs);

    /// <summary>Key, counters and what the rule does; lines of the slot that it has nothing in are left as they are.</summary>
    private static void Write(byte* s, ReadOnlySpan<ulong> words, KernelActions actions)
    {
        const int line = 64;
        ReadOnlySpan<byte> body = actions.Body;
        body.Slice(line, line).CopyTo(new Span<byte>(s + line, line));
        if (actions.UsesTail) body[KernelActions.Tail].CopyTo(new Span<byte>(s + KernelLayout.TciMask, line));
        if (actions.UsesAddresses) body.Slice(KernelLayout.Ipv6Src, 32).CopyTo(new Span<byte>(s + KernelLayout.Ipv6Src, 32));
        for (int i = 0; i < words.Length; i++) *(ulong*)(s + KernelLayout.KeyWord(i)) = words[i];
    }

    /// <summary>The slots of further outputs: nobody finds them but by the slot in front of them, which is not alive so far.</summary>
    private void WriteOutputs(byte* s, KernelActions actions, uint[] more)
    {
        foreach (uint slot in more)
        {
            actions = actions.Next!;
            *(uint*)(s + KernelLayout.Next) = slot;
            Write(s = SlotAt(slot), [], actions);
        }
    }

    private uint HomeOf(ulong hash) => (uint)(hash >> (64 - BucketBits));

    private byte* SlotAt(uint slot) => _slots + ((nuint)slot << KernelLayout.SlotShift);

    private byte* BucketAt(uint bucket) => _buckets + ((nuint)bucket * KernelLayout.BucketBytes);

    private int Find(uint bucket, uint tag) => new ReadOnlySpan<uint>(BucketAt(bucket), KernelLayout.Ways).IndexOf(tag);

    private bool Holds(uint bucket, uint tag, ReadOnlySpan<ulong> words)
    {
        int way = Find(bucket, tag);
        if (way < 0) return false;
        byte* s = SlotAt(*(uint*)(BucketAt(bucket) + KernelLayout.BucketSlots + (4 * way)) & ~KernelLayout.SpilledBit);
        for (int i = 0; i < words.Length; i++)
        {
            if (*(ulong*)(s + KernelLayout.KeyWord(i)) != words[i]) return false;
        }

        return true;
    }

    /// <summary>The bit shares a word with a slot's number; one thread writes both.</summary>
    private void SetSpilled(uint bucket, bool isOn)
    {
        ref uint word = ref *(uint*)(BucketAt(bucket) + KernelLayout.BucketSlots);
        Volatile.Write(ref word, isOn ? word | KernelLayout.SpilledBit : word & ~KernelLayout.SpilledBit);
    }
}

/// <summary>What a rule has besides its slot.</summary>
/// <param name="Header">Place of its outer headers; 0 = none.</param>
/// <param name="More">Slots of the outputs behind the first one, in order; null = none.</param>
internal readonly record struct KernelPlaces(ushort Header, uint[]? More);
