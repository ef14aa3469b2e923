using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Ledger;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// What the offload side needs of connections, and nothing else of the tracker may be called by its thread: generations, marks, credit. Of a slot it reads
/// what <see cref="ConnTable"/> writes, and writes the marks, what hardware counted, and a later time.
/// </summary>
public sealed unsafe class ConnOffload : IConnLedger
{
    private readonly ConnView _view;
    private readonly TimeoutPolicies _timeouts;

    internal ConnOffload(in ConnView view, in TimeoutPolicies timeouts)
    {
        _view = view;
        _timeouts = timeouts;
    }

    /// <summary>Everything that was ever credited to a connection, be it over by then; written by the thread that credits.</summary>
    public BookTotals Credited { get; private set; }

    /// <summary>Generation of a connection slot: moves whenever what a merged rule relies on may have changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint GenerationOf(int connId)
    {
        if ((uint)connId > (uint)_view.Capacity) ThrowBadConnId(connId);
        Interleaving.Step("M2 generation");
        return Volatile.Read(ref _view.Conn(connId)->Generation);
    }

    /// <summary>True while the connection has this generation and is established in both directions, TCP or UDP, without a gateway.</summary>
    public bool IsOffloadable(int connId, uint generation)
        => (uint)connId <= (uint)_view.Capacity && GenerationOf(connId) == generation && _view.Conn(connId)->IsEstablished;

    /// <summary>
    /// A merged rule depends on the connection: until as many unmarks as marks were made, the observer hears of its changes, and when it has ended its
    /// slot is not given to another one. Compare the generation afterwards: what changed before the mark is not reported.
    /// </summary>
    public void MarkOffloaded(int connId)
    {
        if ((uint)connId > (uint)_view.Capacity) ThrowBadConnId(connId);
        Interleaving.Atomic("M1 mark");
        Interlocked.Increment(ref _view.Cold(connId)->OffloadRefs);
    }

    /// <summary>Takes one mark back; nothing is credited for that rule any more.</summary>
    public void UnmarkOffloaded(int connId)
    {
        if ((uint)connId > (uint)_view.Capacity) ThrowBadConnId(connId);
        Interlocked.Decrement(ref _view.Cold(connId)->OffloadRefs);
    }

    /// <summary>
    /// Packets that hardware forwarded for the connection: counted per direction, the timeout refreshed as of the last of them. What a rule
    /// counted last is read when the connection has moved on already (another mark, a FIN): it still counts, and refreshes the timeout if the
    /// connection is established as before; one that is not has got its timeout from software since. Ignored if the slot had another connection
    /// at that generation: its counters ended with it; while the connection is marked, the slot gets no other one. By one thread at a time, which need
    /// not be the tracker's. <paramref name="bytes"/> may be a negative number modulo 2^64: what a correction
    /// takes off.
    /// </summary>
    public void Credit(int connId, uint generation, bool reply, ulong packets, ulong bytes, long lastUsedMs)
    {
        if ((uint)connId > (uint)_view.Capacity) ThrowBadConnId(connId);
        if (packets == 0 && bytes == 0) return;
        ConnRecord* c = _view.Conn(connId);
        ConnCold* cold = _view.Cold(connId);
        uint current = GenerationOf(connId);
        if (generation - cold->FirstGeneration > current - cold->FirstGeneration)
        {
            // Booked for a connection that has ended, as it would be if nobody had taken its slot.
            if ((int)(generation - cold->FirstGeneration) < 0) Credited += new BookTotals(packets, bytes);
            return;
        }

        CombinedCounter.Add(ref reply ? ref cold->HwReply : ref cold->HwOrig, packets, bytes);
        Credited += new BookTotals(packets, bytes);
        if (packets == 0) return;
        while (true)
        {
            // Not above 0: removed, or a ghost. Neither comes back to life. The state is looked at after the time, as who ends a connection writes
            // them the other way round: a time that was seen to be an established connection's is exchanged for a later one, or not at all.
            long seen = Volatile.Read(ref c->ExpiryMs);
            if (seen <= 0 || !c->IsEstablished) return;
            long expiryMs = lastUsedMs + _timeouts.Of(c, c->Fwd.Proto == IpProto.Tcp ? CtTimeout.TcpEstablished : CtTimeout.OtherBidir);
            if (seen >= expiryMs || Interlocked.CompareExchange(ref c->ExpiryMs, expiryMs, seen) == seen) return;
        }
    }

    [DoesNotReturn]
    private static void ThrowBadConnId(int connId) => throw new ArgumentOutOfRangeException(nameof(connId), connId, "There is no connection with this id.");
}
