using System.Runtime.CompilerServices;
using Mergeflow.Engine.Ledger;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// The slots of one packet thread: which of those that it owns are free, and which may not be used again yet; the generations of those whose connections it changes,
/// whoever owns them. A slot belongs to who took it last.
/// </summary>
internal sealed unsafe class ConnSlots
{
    /// <summary>Retired slots that are looked at when one is wanted.</summary>
    private const int RetiredBudget = 256;

    private readonly ConnTable _table;
    private readonly ConnView _view;
    private readonly int _owner;

    private int _freeHead;
    private int _freeCount;

    /// <summary>Slots whose connection has ended while a merged rule could still be credited for it, oldest first.</summary>
    private int _retiredHead;
    private int _retiredTail;

    /// <summary>Connections that this thread has begun, less those that it has ended.</summary>
    private int _begun;

    public ConnSlots(ConnTable table, int owner, ConnLock @lock)
    {
        _table = table;
        _view = table.View;
        _owner = owner;
        Lock = @lock;
        Notes = new ConnNotes(_view);
    }

    /// <summary>Number of the thread.</summary>
    public int Owner => _owner;

    /// <summary>How the thread locks records.</summary>
    public ConnLock Lock { get; }

    /// <summary>What other threads have done to connections in slots of this one.</summary>
    public ConnNotes Notes { get; }

    /// <inheritdoc cref="ConnThread.Observer"/>
    public IConnObserver? Observer { get; set; }

    /// <summary>Connections begun less those ended: of all threads together, the number there is.</summary>
    public int Begun => Volatile.Read(ref _begun);

    /// <summary>Is there a slot that nobody waits for?</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool HasRoom<S>()
        where S : struct, IConnSync
        => _freeHead != 0 || (S.IsShared ? TakeBlock() : _table.HighWater <= _view.Capacity);

    /// <summary>Takes a slot; 0 = the table is full.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Allocate<S>()
        where S : struct, IConnSync
    {
        if (!HasRoom<S>()) FreeRetired(RetiredBudget);
        int id = _freeHead;
        if (id != 0)
        {
            _freeHead = _view.Cold(id)->Next;
            _freeCount--;
        }
        else
        {
            if (S.IsShared || _table.HighWater > _view.Capacity) return 0;
            id = _table.AddSlots(1);
        }

        ConnCold* cold = _view.Cold(id);
        cold->Owner = (ushort)_owner;
        cold->WheelSlot = ConnExpiry.NotInWheel;
        _begun++;
        return id;
    }

    /// <summary>Gives back a slot whose connection never got into the index; the caller does not hold it.</summary>
    public void Return<S>(int id)
        where S : struct, IConnSync
    {
        Free<S>(id);
        _begun--;
    }

    /// <summary>
    /// The connection is in no index any more. State before time, as <see cref="ConnOffload.Credit"/> reads them the other way round. True if a merged rule depended on it: then
    /// its slot has to wait.
    /// </summary>
    public bool End<S>(int id)
        where S : struct, IConnSync
    {
        ConnRecord* c = _view.Conn(id);
        Lock.Forget<S>(c);
        c->Flags = S.LocksRecords ? ConnFlags.Locked : ConnFlags.None;
        c->ExpiryMs = 0;
        c->Birth++;
        _begun--;
        return Invalidate<S>(id);
    }

    /// <summary>A slot of this thread has no connection any more: it is free, or waits for those who credit.</summary>
    public void GiveBack<S>(int id, bool isMarked)
        where S : struct, IConnSync
    {
        if (isMarked) Retire(id);
        else Free<S>(id);
    }

    /// <summary>A new connection is about to be in the index: its slot moves on to another generation, and credits of older ones are not its own.</summary>
    public void Begin(int id)
    {
        ConnRecord* c = _view.Conn(id);
        _view.Cold(id)->FirstGeneration = c->Generation + 1;
        Volatile.Write(ref c->Generation, c->Generation + 1);
    }

    /// <summary>
    /// Moves the generation and tells the observer if a merged rule depends on the connection. True if one does, or did a moment ago: the offload
    /// side marks a connection, then compares its generation; by the fences of both sides either the mark is seen here or the new generation there.
    /// Who adds an entry does this to connections that others hold, so of several threads each moves the generation in one instruction.
    /// </summary>
    public bool Invalidate<S>(int id)
        where S : struct, IConnSync
    {
        uint generation;
        IConnObserver? observer = Observer;
        if (S.IsShared)
        {
            Interleaving.Atomic("K1 generation");
            generation = Interlocked.Increment(ref _view.Conn(id)->Generation);
        }
        else
        {
            generation = _view.Conn(id)->Generation + 1;
            Interleaving.Store(ref Unsafe.As<uint, int>(ref _view.Conn(id)->Generation), (int)generation, "K1 generation");

            // The load below must not pass the store above; only where there is an offload side.
            if (observer is not null) Interleaving.Fence("K2 fence");
        }

        Interleaving.Step("K3 marks");
        if (Volatile.Read(ref _view.Cold(id)->OffloadRefs) <= 0) return false;
        observer?.OnConnInvalidated(id, generation);
        return true;
    }

    /// <summary>Frees retired slots without marks, after a look at no more than <paramref name="budget"/>; returns how many.</summary>
    public int FreeRetired(int budget)
    {
        int freed = 0;
        int last = _retiredTail;
        for (; budget > 0 && _retiredHead != 0; budget--)
        {
            int id = _retiredHead;
            _retiredHead = _view.Cold(id)->Next;
            if (Volatile.Read(ref _view.Cold(id)->OffloadRefs) > 0)
            {
                Retire(id);
            }
            else
            {
                Link(id);
                freed++;
            }

            if (id == last) break;
        }

        return freed;
    }

    private void Free<S>(int id)
        where S : struct, IConnSync
    {
        Link(id);
        if (S.IsShared && _freeCount >= 2 * _table.BlockSize) GiveBlock();
    }

    private void Link(int id)
    {
        _view.Cold(id)->Next = _freeHead;
        _freeHead = id;
        _freeCount++;
    }

    /// <summary>Other threads may need them.</summary>
    private void GiveBlock()
    {
        int first = _freeHead, last = first;
        for (int i = 1; i < _table.BlockSize; i++) last = _view.Cold(last)->Next;
        _freeHead = _view.Cold(last)->Next;
        _freeCount -= _table.BlockSize;
        _view.Cold(last)->Next = 0;
        _table.GiveBlock(_owner, first);
    }

    private bool TakeBlock()
    {
        int first = _table.TakeBlock(_owner, out int count);
        if (first == 0) return false;
        (_freeHead, _freeCount) = (first, count);
        return true;
    }

    /// <summary>The slot waits until no merged rule can be credited for its connection any more.</summary>
    private void Retire(int id)
    {
        _view.Cold(id)->Next = 0;
        if (_retiredHead == 0) _retiredHead = id;
        else _view.Cold(_retiredTail)->Next = id;
        _retiredTail = id;
    }
}
