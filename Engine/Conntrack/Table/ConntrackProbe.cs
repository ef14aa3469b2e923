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

    /// <summary>Builds a tracker and a pool of <paramref name="packets"/> packets of at most 9,018 bytes.</summary>
    public ConntrackProbe(ConntrackOptions options, int packets = 256)
    {
        _pool = new PacketPool(packets, 9018);
        Conntrack = new ConnTracker(options);
        _thread = Conntrack.ForThread(0);
        for (int i = 0; i < Conntrack.ThreadCount; i++) Conntrack.ForThread(i).DroppedFragment = _pool.Return;
    }

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

    /// <summary>The same by another packet thread of the tracker; the packet is still of the one pool.</summary>
    public CtVerdict ExecuteOn(int thread, PacketRef packet, in DpCt args, long nowMs)
    {
        Conntrack.ForThread(thread).Execute(packet.Pointer, args, nowMs, out CtVerdict verdict);
        return verdict;
    }

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
        Conntrack.Dispose();
        _pool.Dispose();
    }
}
