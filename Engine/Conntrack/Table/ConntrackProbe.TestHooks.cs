using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// A tracker with packets of its own, for code that may not hold pointers: tests, oracles, tools. Cold path.
/// </summary>
public sealed unsafe class ConntrackProbe : IDisposable
{
    private readonly PacketPool _pool;
    private readonly ConnThread _thread;
    private readonly ConnTracker? _owned;

    /// <summary>Builds a tracker and a pool of <paramref name="packets"/> packets of at most 9,018 bytes, for its packet thread 0.</summary>
    public ConntrackProbe(ConntrackOptions options, int packets = 256)
        : this(new ConnTracker(options), 0, packets)
        => _owned = Conntrack;

    private ConntrackProbe(ConnTracker tracker, int thread, int packets)
    {
        _pool = new PacketPool(packets, 9018);
        Conntrack = tracker;
        _thread = tracker.ForThread(thread);
        _thread.DroppedFragment = _pool.Return;
    }

    /// <summary>Another packet thread of the same tracker, with packets of its own.</summary>
    public ConntrackProbe ForThread(int thread, int packets = 256) => new(Conntrack, thread, packets);

    /// <summary>The tracker.</summary>
    public ConnTracker Conntrack { get; }

    /// <summary>Packets that are out, those on hold included.</summary>
    public int PacketsInUse => _pool.InUse;

    /// <summary>Receives a frame: loaded and parsed.</summary>
    public PacketRef Receive(ReadOnlySpan<byte> frame, uint inPort = 1)
    {
        PacketRef packet = _pool.RentRef(frame, inPort);
        packet.Extract();
        return packet;
    }

    /// <summary>Gives a packet back.</summary>
    public void Return(PacketRef packet) => _pool.Return(packet);

    /// <summary><see cref="ConnThread.Execute(Packet*, in DpCt, long, out CtVerdict)"/>.</summary>
    public CtVerdict Execute(PacketRef packet, in DpCt args, long nowMs)
    {
        _thread.Execute(packet.Pointer, args, nowMs, out CtVerdict verdict);
        return verdict;
    }

    /// <summary>The same, with this much of what threads do for each other.</summary>
    public CtVerdict ExecuteAs<S>(PacketRef packet, in DpCt args, long nowMs)
        where S : struct, IConnSync
    {
        _thread.Execute<S>(packet.Pointer, args, nowMs, 0, out CtVerdict verdict);
        return verdict;
    }

    /// <inheritdoc cref="ConnThread.KeepsConnections"/>
    public bool KeepsConnections
    {
        get => _thread.KeepsConnections;
        set => _thread.KeepsConnections = value;
    }

    /// <inheritdoc cref="ConnThread.Between"/>
    public void Between() => _thread.Between();

    /// <inheritdoc cref="ConnThread.LetGo"/>
    public void LetGo() => _thread.LetGo();

    /// <summary>The thread keeps the connection of this number locked.</summary>
    public bool IsKept(int id) => _thread.IsKept(id);

    /// <summary><see cref="ConnThread.Step"/>.</summary>
    public int Step(long nowMs) => _thread.Step(nowMs);

    /// <summary>Where the index looks for a packet's connection first and second; for TCP and UDP.</summary>
    public (uint First, uint Second) BucketsOf(PacketRef packet, ushort zone) => Conntrack.BucketsOf(_thread.HashOf(packet.Pointer, zone));

    /// <summary>The same with the hash computed ahead, as a PMD does.</summary>
    public CtVerdict ExecuteHashed(PacketRef packet, in DpCt args, long nowMs)
    {
        ulong hash = _thread.HashOf(packet.Pointer, args.Zone);
        _thread.Prefetch(hash);
        _thread.PrefetchConn(hash);
        _thread.Execute(packet.Pointer, args, nowMs, hash, out CtVerdict verdict);
        return verdict;
    }

    /// <summary>Packets that the last call released.</summary>
    public PacketRef[] Released()
    {
        var packets = new PacketRef[_thread.Released.Length];
        for (int i = 0; i < packets.Length; i++) packets[i] = new PacketRef((Packet*)_thread.Released[i]);
        return packets;
    }

    /// <summary><see cref="ConnThread.Clear"/>.</summary>
    public static void Clear(PacketRef packet) => ConnThread.Clear(packet.Pointer);

    /// <summary><see cref="ConnThread.TryFastHit"/>.</summary>
    public bool TryFastHit(in CtVerdict verdict, PacketRef packet, long nowMs)
        => _thread.TryFastHit(verdict.ConnId, verdict.Generation, verdict.Reply, packet.Pointer, nowMs);

    /// <inheritdoc/>
    public void Dispose()
    {
        _owned?.Dispose();
        _pool.Dispose();
    }
}
