namespace Mergeflow.Native;

/// <summary>
/// Quiescent-state based reclamation: the owner retires memory, readers on other threads announce points at which they hold no reference.
/// </summary>
/// <remarks>
/// Protocol. 1. A reader registers and gets a slot. 2. The owner unpublishes an object, then calls <see cref="Begin"/>: it increments the
/// global epoch and remembers the value. 3. Between two pieces of work a reader calls <see cref="Announce"/>, which copies the global epoch
/// into its slot. 4. The object may be freed when every slot has reached the remembered value. Without readers everything has passed at once.
/// The increment is a locked instruction: who reads the new epoch sees the unpublishing too. A slot that is written late only delays the owner.
/// </remarks>
public sealed class QuiescentState : IGracePeriod
{
    private readonly List<Reader> _readers = [];
    private long _epoch;

    /// <summary>Adds a reader; do it before threads start.</summary>
    public Reader Register()
    {
        var r = new Reader(this);
        _readers.Add(r);
        return r;
    }

    /// <summary>Step 2: the epoch that all readers must reach.</summary>
    public ulong Begin()
    {
        if (_readers.Count == 0) return 0;
        Interleaving.Atomic("Q2");
        return (ulong)Interlocked.Increment(ref _epoch);
    }

    /// <summary>Step 4.</summary>
    public bool HasPassed(ulong epoch)
    {
        foreach (Reader r in _readers)
        {
            Interleaving.Step("Q4");
            if (r.Seen < epoch) return false;
        }

        return true;
    }

    /// <summary>A reading thread's slot.</summary>
    public sealed class Reader(QuiescentState owner)
    {
        private const int Word = 8;

        /// <summary>On a cache line of its own. Does not move: see <see cref="Interleaving.Store(ref long, long, string)"/>.</summary>
        private readonly long[] _seen = GC.AllocateArray<long>(2 * Word, pinned: true);

        /// <summary>The thread has ended, well or not, or sleeps: it holds nothing, and nobody waits for it any more.</summary>
        public void Leave() => Interleaving.Store(ref _seen[Word], long.MaxValue, "Q6");

        /// <summary>
        /// The thread may hold references from now on, after <see cref="Leave"/>. The fence keeps its reads behind the announcement: the owner sees that somebody is there, or
        /// the reads see what the owner has unpublished.
        /// </summary>
        public void Enter()
        {
            Interleaving.Store(ref _seen[Word], Volatile.Read(ref owner._epoch), "Q5 store");
            Interleaving.Fence("Q5");
        }

        internal ulong Seen => (ulong)Volatile.Read(ref _seen[Word]);

        /// <summary>Step 3: this thread holds no reference to anything unpublished before now.</summary>
        public void Announce()
        {
            Interleaving.Step("Q3 load");
            long epoch = Volatile.Read(ref owner._epoch);
            Interleaving.Step("Q3 store");
            Volatile.Write(ref _seen[Word], epoch);
        }
    }
}
