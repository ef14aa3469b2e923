using System.Runtime.CompilerServices;
using Mergeflow.Engine.Ledger;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>Which slots are in use, and which may not be used again yet.</remarks>
internal sealed unsafe partial class ConnTable
{
    private int _freeHead;

    /// <summary>Slots whose connection has ended while a merged rule could still be credited for it, oldest first.</summary>
    private int _retiredHead;
    private int _retiredTail;

    /// <summary>Is there a slot that nobody waits for?</summary>
    public bool HasRoom => _freeHead != 0 || HighWater <= _view.Capacity;

    /// <summary>Takes a slot; 0 = the table is full.</summary>
    public int Allocate()
    {
        if (_freeHead == 0 && HighWater > _view.Capacity) FreeRetired(RetiredBudget);
        int id = _freeHead;
        if (id != 0)
        {
            _freeHead = _view.Cold(id)->Next;
        }
        else
        {
            if (HighWater > _view.Capacity) return 0;
            id = HighWater++;
            if (id == HugeIndexFrom) _bucketBlock.PreferHugePages();
        }
        Count++;
        return id;
    }

    /// <summary>Gives back a slot that never got into the index.</summary>
    public void Return(int id)
    {
        _view.Conn(id)->Flags = ConnFlags.None;
        Free(id);
        Count--;
    }

    /// <summary>
    /// The connection is in no index any more: its slot is free, or waits for those who credit. State before time, as <see cref="ConnOffload.Credit"/> reads
    /// them the other way round.
    /// </summary>
    public void End(int id)
    {
        ConnRecord* c = _view.Conn(id);
        c->Flags = ConnFlags.None;
        c->ExpiryMs = 0;
        c->Birth++;
        Count--;
        if (Invalidate(id)) Retire(id);
        else Free(id);
    }

    /// <summary>A new connection is in the index: its slot moves on to another generation, and credits of older ones are not its own.</summary>
    public void Begin(int id)
    {
        ConnRecord* c = _view.Conn(id);
        _view.Cold(id)->FirstGeneration = c->Generation + 1;
        Volatile.Write(ref c->Generation, c->Generation + 1);
    }

    /// <summary>
    /// Moves the generation and tells the observer if a merged rule depends on the connection. True if one does, or did a moment ago: the offload
    /// side marks a connection, then compares its generation; by the fences of both sides either the mark is seen here or the new generation there.
    /// </summary>
    public bool Invalidate(int id)
    {
        uint generation = _view.Conn(id)->Generation + 1;
        Interleaving.Store(ref Unsafe.As<uint, int>(ref _view.Conn(id)->Generation), (int)generation, "K1 generation");

        // The load below must not pass the store above; only where there is an offload side.
        IConnObserver? observer = Observer;
        if (observer is not null) Interleaving.Fence("K2 fence");
        Interleaving.Step("K3 marks");
        if (Volatile.Read(ref _view.Cold(id)->OffloadRefs) <= 0) return false;
        observer?.OnConnInvalidated(id, generation);
        return true;
    }

    private void Free(int id)
    {
        _view.Cold(id)->Next = _freeHead;
        _freeHead = id;
    }

    /// <summary>The slot waits until no merged rule can be credited for its connection any more.</summary>
    private void Retire(int id)
    {
        _view.Cold(id)->Next = 0;
        if (_retiredHead == 0) _retiredHead = id;
        else _view.Cold(_retiredTail)->Next = id;
        _retiredTail = id;
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
                Free(id);
                freed++;
            }

            if (id == last) break;
        }

        return freed;
    }
}
