using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.Pmd;

/// <content>While misses are many (a purge, a scan), or megaflows are in doubt, batches have as many packets as go through in <see cref="MissBatchNs"/>, so that no poll is long. Owns how many these are.</content>
public sealed unsafe partial class PmdThread
{
    /// <summary>How long a batch with upcalls should take.</summary>
    internal const long MissBatchNs = 35_000;

    /// <summary>Upcalls of a batch from which on batches are timed.</summary>
    private const int ManyUpcalls = 8;

    /// <summary>Less than this is not taken at a time, however long upcalls are.</summary>
    private const int LeastBatch = 2;

    private int _missLimit = MaxBatch;
    private ulong _upcallsSeen;
    private bool _isTimed;

    /// <summary>What batches with many upcalls are timed by, ns; null = they are as large as others. Before the thread starts.</summary>
    internal Func<long>? MissClock { get; set; }

    /// <summary>Behind a batch that had upcalls, or was timed.</summary>
    /// <param name="count">Its packets.</param>
    /// <param name="beginNs">When it began, if it was timed.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void LimitMisses(int count, long beginNs)
    {
        int upcalls = (int)(Stats.Upcalls - _upcallsSeen);
        _upcallsSeen = Stats.Upcalls;
        if (MissClock is null || _parked is not null) return;
        if (!_isTimed)
        {
            // How long it took is not known. The next one is small, and timed.
            _isTimed = upcalls > ManyUpcalls;
            if (_isTimed) _missLimit = Math.Clamp(count * ManyUpcalls / upcalls, LeastBatch, MaxBatch);
            return;
        }

        // Doubts have come while it ran: when it began is not known.
        if (beginNs == 0) return;
        long took = Math.Max(1, MissClock() - beginNs);
        _missLimit = (int)Math.Clamp(count * MissBatchNs / took, LeastBatch, Math.Min(MaxBatch, 2 * _missLimit));
        if (_missLimit == MaxBatch && upcalls <= ManyUpcalls / 2) _isTimed = false;
    }
}
