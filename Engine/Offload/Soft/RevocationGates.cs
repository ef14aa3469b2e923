using System.Numerics;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Lookup;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// Takes any number of rules out of use with a few stores. Rules of one chain of megaflows stand behind one gate; a packet uses a rule only if
/// its gate is open. Whoever deletes a megaflow closes the gates of its chains, and is done; the rules are taken out one by one later, and the
/// gates are opened again for those that stay.
/// </summary>
/// <remarks>
/// <code>
/// rule -> gate (1 byte) -> closings[gate] (0 = open; gate 0 is never open)
/// megaflow id -> bucket (slot mod 1024, turned by the packet thread) -> set of 256 gates
/// </code>
/// Protocol. The offload thread links a rule, the control thread revokes a megaflow:
/// <code>
/// offload thread                                    control thread
/// L1  the rule gets a gate; its bit is set in the   C1  the megaflow is marked dead
///     bucket of each of its megaflows (fence)       C2  fence
/// L2  is a megaflow dead? then the rule is let go   C3  closings[g]++ for each bit g of the bucket
/// L3  the rule is published                         C4  (megaflow, bits) is queued
/// L4  takes (megaflow, bits) from the queue         C5  acknowledged
/// L5  each rule of the megaflow gets the gate Shut  packet thread, in a batch
/// L6  a grace period begins and passes              P1  g = the rule's gate
/// L7  closings[g]-- for each bit g                  P2  closings[g] is 0? then the rule is used
/// </code>
/// By the fences of L1 and C2 either L2 sees C1 or C3 sees the bit of L1; in the first case the rule is never published, in the second it is
/// published behind a closed gate and taken out by L5. P1 and P2 are two loads: a packet that has read the old gate before L5 must not find it open
/// again, so L7 waits until every batch that was under way at L5 has ended. A bit too many only closes a gate for a moment: its rules' packets take
/// the software path. A control thread that is not the packet thread has to wait for the end of the batch that is being processed.
/// <para>
/// What a hit pays is P2, one load from a kilobyte that stays in the first-level cache. Comparing the generation of each megaflow instead would need no
/// gates, but one load per pass from lines that only software packets keep warm; looking at the rule's gate once more behind P2 would need no
/// grace period, but a load and a branch per hit. The grace period costs the packet thread nothing: it announces its batches anyway.
/// </para>
/// </remarks>
public sealed unsafe partial class RevocationGates : IDisposable
{
    /// <summary>Gates, the one that is never open included.</summary>
    public const int Count = 256;

    /// <summary>The gate of rules that must not be used any more.</summary>
    public const byte Shut = 0;

    private const int BucketCount = 1024;

    /// <summary>Chains that are kept for others to come.</summary>
    private const int MostFree = 65_536;

    /// <summary>Megaflows with the same slot in the tables of two packet threads do not share a bucket.</summary>
    private const int BucketStride = 389;

    private readonly PinnedBlock? _block;
    private readonly ulong[] _buckets = new ulong[BucketCount * GateSet.WordCount];
    private readonly Dictionary<ulong, GateChain> _chains = [];
    private readonly List<GateChain>[] _chainsOf = new List<GateChain>[Count];
    private readonly Stack<GateChain> _free = new();
    private readonly Queue<(GateSet Closed, ulong Point)> _opening = new();
    private readonly IGracePeriod _grace;

    /// <summary>All gates open but <see cref="Shut"/>.</summary>
    /// <param name="grace">Tells when the batches of the packet thread have ended; null = single-threaded.</param>
    public RevocationGates(IGracePeriod? grace = null)
        : this(grace, null)
    {
    }

    /// <summary>The same, with its words, <see cref="Count"/> of them, where whoever looks at them has them; null = they are made.</summary>
    internal RevocationGates(IGracePeriod? grace, int* closings)
    {
        _grace = grace ?? NoReaders.Instance;
        if (closings == null) _block = PinnedMemory.Allocate(Count * sizeof(int), 64);
        Closings = closings != null ? closings : (int*)_block!.Pointer;
        new Span<int>(Closings, Count).Clear();
        Closings[Shut] = 1;
        for (int g = 0; g < Count; g++) _chainsOf[g] = [];
    }

    /// <summary>For the packet thread: word g is 0 while gate g is open.</summary>
    public int* Closings { get; }

    /// <summary>P1 and P2, by the packet thread immediately before use; <paramref name="closings"/> is <see cref="Closings"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool MayUse(MergedHot* hot, int* closings)
    {
        Interleaving.Step("P1");
        byte gate = Volatile.Read(ref hot->Gate);
        Interleaving.Step("P2");
        return Volatile.Read(ref closings[gate]) == 0;
    }

    /// <summary>Gates are closed whose rules are out of use already: they wait for L6. By the offload thread.</summary>
    public bool IsOpening => _opening.Count > 0;

    /// <summary>L1. By the offload thread.</summary>
    public void Enter(MergedFlow rule)
    {
        ulong key = GateChain.KeyOf(rule);
        if (!_chains.TryGetValue(key, out GateChain? chain))
        {
            if (!_free.TryPop(out chain)) chain = new GateChain();
            chain.Gate = EmptiestGate();
            chain.Buckets = BucketsOf(rule.Passes, chain.Buckets);
            _chains.Add(key, chain);
            _chainsOf[chain.Gate].Add(chain);
            foreach (int bucket in chain.Buckets)
            {
                Interleaving.Atomic("L1");
                Interlocked.Or(ref Word(bucket, chain.Gate), Bit(chain.Gate));
            }
        }

        chain.RuleCount++;
        rule.Gate = chain.Gate;
    }

    /// <summary>The rule is gone. By the offload thread.</summary>
    public void Leave(MergedFlow rule)
    {
        ulong key = GateChain.KeyOf(rule);
        if (!_chains.TryGetValue(key, out GateChain? chain) || --chain.RuleCount > 0) return;
        _chains.Remove(key);
        List<GateChain> others = _chainsOf[chain.Gate];
        others.Remove(chain);
        foreach (int bucket in chain.Buckets)
        {
            if (!IsIn(others, bucket)) Interlocked.And(ref Word(bucket, chain.Gate), ~Bit(chain.Gate));
        }

        if (_free.Count < MostFree) _free.Push(chain);
    }

    /// <summary>C2 and C3: from now on no packet uses a rule of the megaflow. Takes no lock. Give the result to <see cref="Open"/> when the rules are gone.</summary>
    public GateSet Close(int megaflowId)
    {
        Interleaving.Fence("C2");
        GateSet closed = default;
        int first = BucketOf(megaflowId) * GateSet.WordCount;
        Interleaving.Step("C3");
        for (int w = 0; w < GateSet.WordCount; w++) closed[w] = Volatile.Read(ref _buckets[first + w]);
        Add(in closed, 1);
        return closed;
    }

    /// <summary>Closes all gates.</summary>
    public GateSet CloseAll()
    {
        GateSet closed = GateSet.All;
        Add(in closed, 1);
        return closed;
    }

    /// <summary>
    /// L6: the rules are out of use (L5); takes one closing of each gate back when no batch that was under way can still use one. By the offload thread.
    /// </summary>
    public void Open(in GateSet closed)
    {
        _opening.Enqueue((closed, _grace.Begin()));
        OpenPassed();
    }

    /// <summary>L7: opens what has waited long enough; returns how many closings. By the offload thread.</summary>
    public int OpenPassed()
    {
        int count = 0;
        while (_opening.TryPeek(out (GateSet Closed, ulong Point) next) && _grace.HasPassed(next.Point))
        {
            _opening.Dequeue();
            Add(in next.Closed, -1);
            count++;
        }

        return count;
    }

    /// <inheritdoc/>
    public void Dispose() => _block?.Dispose();

    private void Add(in GateSet gates, int closings)
    {
        for (int w = 0; w < GateSet.WordCount; w++)
        {
            for (ulong rest = gates[w]; rest != 0; rest &= rest - 1)
            {
                Interleaving.Atomic(closings > 0 ? "C3 close" : "L7");
                Interlocked.Add(ref Closings[(w * 64) + BitOperations.TrailingZeroCount(rest)], closings);
            }
        }
    }

    /// <summary>Each once, in <paramref name="room"/> if it has that length.</summary>
    private static int[] BucketsOf(MergedPass[] passes, int[] room)
    {
        Span<int> buckets = stackalloc int[passes.Length];
        int count = 0;
        foreach (MergedPass pass in passes)
        {
            int bucket = BucketOf(pass.MegaflowId);
            if (!buckets[..count].Contains(bucket)) buckets[count++] = bucket;
        }

        return MergedFlowPool.Kept(room, buckets[..count]);
    }

    private static bool IsIn(List<GateChain> chains, int bucket)
    {
        foreach (GateChain chain in chains)
        {
            if (Array.IndexOf(chain.Buckets, bucket) >= 0) return true;
        }

        return false;
    }

    private byte EmptiestGate()
    {
        int best = 1;
        for (int g = 1; g < Count && _chainsOf[best].Count > 0; g++)
        {
            if (_chainsOf[g].Count < _chainsOf[best].Count) best = g;
        }

        return (byte)best;
    }

    private ref ulong Word(int bucket, int gate) => ref _buckets[(bucket * GateSet.WordCount) + (gate >> 6)];

    private static ulong Bit(int gate) => 1UL << (gate & 63);

    private static int BucketOf(int megaflowId) => (megaflowId + (MegaflowId.PmdOf(megaflowId) * BucketStride)) & (BucketCount - 1);
}
