using System.Numerics;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Ledger;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>Connection invalidations on their way from one thread that changes connections to the offload thread.</summary>
/// <remarks>
/// Protocol, one producer and one consumer. 1. The producer writes slot <c>tail</c> if the ring is not full (acquire load of head).
/// 2. It publishes with a release store of <c>tail + 1</c>. 3. The consumer reads slot <c>head</c> behind an acquire load of tail.
/// 4. It gives the slot back with a release store of <c>head + 1</c>. An event that finds the ring full sets <c>overflowed</c> instead: the
/// consumer then re-checks every rule, so nothing is lost.
/// </remarks>
public sealed partial class ConnEventRing : IConnObserver
{
    private readonly ConnRef[] _slots;
    private readonly uint _mask;
    private uint _head;
    private uint _tail;
    private int _overflowed;

    /// <summary>A ring of <paramref name="capacity"/> events, rounded up to a power of two.</summary>
    public ConnEventRing(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _slots = new ConnRef[BitOperations.RoundUpToPowerOf2((uint)capacity)];
        _mask = (uint)_slots.Length - 1;
    }

    /// <summary>True if nothing waits and nothing was lost.</summary>
    public bool IsEmpty => Volatile.Read(ref _tail) == Volatile.Read(ref _head) && Volatile.Read(ref _overflowed) == 0;

    /// <inheritdoc/>
    public void OnConnInvalidated(int connId, uint newGeneration) => Add(connId, newGeneration);

    /// <summary>Steps 1 and 2.</summary>
    public void Add(int connId, uint generation)
    {
        Interleaving.Step("E1 head");
        if (_tail - Volatile.Read(ref _head) > _mask)
        {
            Interleaving.Step("E2 overflow");
            Volatile.Write(ref _overflowed, 1);
            return;
        }

        Interleaving.Step("E3 slot");
        _slots[_tail & _mask] = new ConnRef { ConnId = connId, Generation = generation };
        Interleaving.Step("E4 tail");
        Volatile.Write(ref _tail, _tail + 1);
    }

    /// <summary>Steps 3 and 4.</summary>
    public bool TryTake(out ConnRef e)
    {
        Interleaving.Step("E5 tail");
        if (Volatile.Read(ref _tail) == _head)
        {
            e = default;
            return false;
        }

        Interleaving.Step("E6 slot");
        e = _slots[_head & _mask];
        Interleaving.Step("E7 head");
        Volatile.Write(ref _head, _head + 1);
        return true;
    }

    /// <summary>True once after events were lost.</summary>
    public bool TakeOverflow()
    {
        Interleaving.Atomic("E8 overflow");
        return Interlocked.Exchange(ref _overflowed, 0) != 0;
    }
}

/// <summary>A connection in one of its states.</summary>
[StructLayout(LayoutKind.Sequential, Size = 8)]
public struct ConnRef
{
    public int ConnId;
    public uint Generation;
}
