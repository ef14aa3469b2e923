using System.Buffers.Binary;
using Mergeflow.Native;

namespace Mergeflow.Engine.Xlate;

/// <summary>
/// Frozen translations that controllers hold: a name goes out with the packet, and comes back when it may go on (OVS: the opaque <c>NXCPT_</c> properties of <c>NXT_PACKET_IN2</c>). Packets
/// that were stopped at one place with the same metadata share a state, so that many packets need few. The oldest are forgotten when there are too many: then the packet cannot go on.
/// </summary>
internal sealed class Continuations(RecircStore store)
{
    /// <summary>States that are kept for controllers.</summary>
    private const int Most = 4096;

    private const int NameBytes = 12;

    private static int s_count;

    private readonly Lock _lock = new();
    private readonly Dictionary<uint, LinkedListNode<uint>> _byId = [];
    private readonly LinkedList<uint> _byAge = [];

    /// <summary>Tells names of this store from those of another one, and of an earlier life.</summary>
    private readonly ulong _nonce = ProcessSeed.For($"continuations {Interlocked.Increment(ref s_count)}");

    /// <summary>Keeps a state and names it; null if it is gone.</summary>
    public byte[]? Keep(uint id)
    {
        lock (_lock)
        {
            if (_byId.TryGetValue(id, out LinkedListNode<uint>? node)) _byAge.Remove(node);
            else if (!store.Acquire(id)) return null;
            else _byId.Add(id, node = new LinkedListNode<uint>(id));
            _byAge.AddLast(node);
            if (_byId.Count > Most) Forget(_byAge.First!.Value);
        }

        byte[] name = new byte[NameBytes];
        BinaryPrimitives.WriteUInt64BigEndian(name, _nonce);
        BinaryPrimitives.WriteUInt32BigEndian(name.AsSpan(sizeof(ulong)), id);
        return name;
    }

    /// <summary>The state behind a name; null if it is unknown, or not known any more.</summary>
    public FrozenState? Find(ReadOnlySpan<byte> name)
    {
        if (name.Length != NameBytes || BinaryPrimitives.ReadUInt64BigEndian(name) != _nonce) return null;
        uint id = BinaryPrimitives.ReadUInt32BigEndian(name[sizeof(ulong)..]);
        lock (_lock) return _byId.ContainsKey(id) ? store.Find(id) : null;
    }

    private void Forget(uint id)
    {
        _byId.Remove(id, out LinkedListNode<uint>? node);
        _byAge.Remove(node!);
        store.Release(id);
    }
}
