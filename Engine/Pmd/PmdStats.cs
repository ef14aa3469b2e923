using System.Runtime.InteropServices;

namespace Mergeflow.Engine.Pmd;

/// <summary>Counters of one PMD (OVS <c>pmd-perf-show</c>); packets unless the name says otherwise.</summary>
public struct PmdStats
{
    public ulong Rx;
    public ulong RxBytes;

    /// <summary>Passes through the tables: Rx minus merged hits plus recirculations.</summary>
    public ulong Passes;
    public ulong MergedHits;

    /// <summary>Merged-rule matches handed back to software (checksum, sequence, stale connection).</summary>
    public ulong MergedRefused;
    public ulong EmcHits;
    public ulong MegaflowHits;
    public ulong SubtablesProbed;
    public ulong Upcalls;

    /// <summary>Upcalls whose megaflow was not installed (flow limit).</summary>
    public ulong UpcallsUninstalled;

    /// <summary>Packets dropped because too many wait for handler threads (OVS <c>lost</c>).</summary>
    public ulong UpcallsRefused;

    /// <summary>Those of them that no rule has counted, as it was in their first pass.</summary>
    public ulong UpcallsRefusedFirst;
    public ulong Recirculations;
    public ulong RecircTooDeep;
    public ulong Tx;
    public ulong TxBytes;

    /// <summary>Passes that ended in a drop.</summary>
    public ulong Dropped;

    /// <summary>Packets of which nothing was left to do: their actions were carried out, whatever these were.</summary>
    public ulong Carried;

    /// <summary>Packets that did not come by a port: copies, frames that super-frames were cut into, packets that control has handed in.</summary>
    public ulong Made;

    /// <summary>Such packets that there was no memory for; among <see cref="Dropped"/>.</summary>
    public ulong NotMade;

    /// <summary>Dropped by meters; among <see cref="Dropped"/>.</summary>
    public ulong DroppedByMeter;

    /// <summary>Dropped as a tunnel could not take them, or what was in them; among <see cref="Dropped"/>.</summary>
    public ulong DroppedByTunnel;

    /// <summary>Dropped as an action could not be carried out; among <see cref="Dropped"/>.</summary>
    public ulong DroppedByAction;

    /// <summary>Fragments of datagrams that did not become whole in time; not among <see cref="Dropped"/>.</summary>
    public ulong FragmentsDropped;
    public ulong ToController;

    /// <summary>Outputs to a port that does not exist.</summary>
    public ulong TxNoPort;
    public ulong Batches;

    /// <summary>Packets that are there no more: carried out, dropped, or late fragments. What came and was made, and is not among them, is held.</summary>
    public readonly ulong Ended => Carried + Dropped - NotMade + FragmentsDropped;

    /// <summary>The sum.</summary>
    public readonly PmdStats Plus(in PmdStats other)
    {
        PmdStats sum = this;
        Span<ulong> a = MemoryMarshal.Cast<PmdStats, ulong>(MemoryMarshal.CreateSpan(ref sum, 1));
        ReadOnlySpan<ulong> b = MemoryMarshal.Cast<PmdStats, ulong>(MemoryMarshal.CreateReadOnlySpan(in other, 1));
        for (int i = 0; i < a.Length; i++) a[i] += b[i];
        return sum;
    }

    /// <summary>What was counted after <paramref name="before"/>.</summary>
    public readonly PmdStats Since(in PmdStats before)
    {
        PmdStats d = this;
        Span<ulong> a = MemoryMarshal.Cast<PmdStats, ulong>(MemoryMarshal.CreateSpan(ref d, 1));
        ReadOnlySpan<ulong> b = MemoryMarshal.Cast<PmdStats, ulong>(MemoryMarshal.CreateReadOnlySpan(in before, 1));
        for (int i = 0; i < a.Length; i++) a[i] -= b[i];
        return d;
    }
}
