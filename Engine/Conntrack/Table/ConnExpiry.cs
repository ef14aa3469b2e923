using System.Runtime.CompilerServices;
namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// When connections end, and what goes with them: their entries, what they announced, their place in the zone. Decides what a search may still find. One per
/// packet thread: in its wheel are the connections that the thread has made, but it ends those of others too.
/// </summary>
/// <remarks>
/// Expiry is a wheel of two levels: 256 slots of 512 ms, then 1024 slots of 131 s. A packet that extends its connection writes the new
/// time into the record only; when the slot comes up, the connection is moved to where it belongs by then. So a packet never touches
/// the wheel unless it shortens a timeout. The wheel is its owner's: another thread that ends a connection or shortens its timeout leaves a note
/// (<see cref="ConnNotes"/>), which the owner reads with its next step or when it needs a slot.
/// </remarks>
internal sealed unsafe partial class ConnExpiry
{
    private const int TickShift = 9;
    private const int FineSlots = 256;
    private const int FineShift = 8;
    private const int CoarseSlots = 1024;
    private const int WheelSlotCount = FineSlots + CoarseSlots;

    /// <summary>Ticks after which every slot has been the current one.</summary>
    private const long WheelTurn = (long)FineSlots * CoarseSlots;

    /// <summary>In place of a slot: the connection is in no wheel.</summary>
    public const ushort NotInWheel = ushort.MaxValue;

    /// <summary>Most that one step handles.</summary>
    public const int StepBudget = 256;

    /// <summary>First connection of each slot, 0 = empty.</summary>
    private readonly int* _wheel;

    /// <summary>Tick whose slot is the current one: everything in earlier slots has been dealt with.</summary>
    private long _tick;

    /// <summary>The coarse slot that starts with the current tick still has to be spread over the fine ones.</summary>
    private bool _spreadPending;

    /// <summary>Connections in the wheel.</summary>
    private int _count;

    private readonly ConnTable _table;
    private readonly ConnView _view;
    private readonly ConnSlots _slots;
    private readonly ConnLock _lock;
    private readonly ConnSlots[] _owners;
    private readonly ConnSweep _sweep;
    private readonly ZoneLimits _zones;
    private readonly Expectations _expectations;

    /// <param name="parts">What the threads share.</param>
    /// <param name="slots">The slots of this thread; those of control have the number behind the last thread's, and no connection is ever in its wheel.</param>
    public ConnExpiry(in ConnParts parts, ConnSlots slots)
    {
        _table = parts.Table;
        _view = _table.View;
        _slots = slots;
        _lock = slots.Lock;
        _owners = parts.Owners;
        _sweep = parts.Sweep;
        _zones = parts.Zones;
        _expectations = parts.Expectations;
        _wheel = parts.Memory.Reserve<int>(WheelSlotCount);
    }

    /// <summary>How this thread locks records.</summary>
    public ConnLock Lock => _lock;

    /// <summary>A connection is about to be in the table: looks at it when it expires.</summary>
    public void Add(int id, long nowMs)
    {
        WheelStart(nowMs);
        WheelLink(id);
    }

    /// <summary>It did not get there.</summary>
    public void TakeBack(int id) => WheelUnlink(id);

    /// <summary>Removes connections that expired, or that others have ended, and gives back slots that waited for those who credit, a bounded number; returns how many of the first two.</summary>
    public int Step<S>(long nowMs)
        where S : struct, IConnSync
    {
        int read = ReadNotes<S>(nowMs, StepBudget);
        _slots.FreeRetired(StepBudget);
        return read + Turn<S>(nowMs, StepBudget);
    }

    /// <summary>Removes every connection of this wheel that is expired at <paramref name="nowMs"/>, exactly; returns how many.</summary>
    public int ExpireAll<S>(long nowMs)
        where S : struct, IConnSync
    {
        ReadNotes<S>(nowMs, int.MaxValue);
        int before = _count;
        while (Turn<S>(nowMs, int.MaxValue) > 0)
        {
        }
        for (int id = _wheel[_tick & (FineSlots - 1)]; id != 0;)
        {
            int next = _view.Cold(id)->Next;
            TryExpire<S>(id, nowMs);
            id = next;
        }
        return before - _count;
    }

    /// <summary>Sets when a connection expires; one that expires earlier than thought moves in the wheel, a later one is moved when its slot comes up.</summary>
    public void Set<S>(int id, long expiryMs)
        where S : struct, IConnSync
    {
        ConnRecord* c = _view.Conn(id);
        bool earlier = expiryMs < c->ExpiryMs;
        c->ExpiryMs = expiryMs;
        if (earlier) Move<S>(id);
    }

    /// <summary>Takes a connection that the caller holds out of every structure; its generation moves.</summary>
    public void Remove<S>(int id)
        where S : struct, IConnSync
    {
        ConnRecord* c = _view.Conn(id);
        if ((c->Flags & ConnFlags.Ghost) == 0) _table.RemoveEntry<S>(_view.Hash.OfKey(c->Fwd), id);
        if ((c->Flags & ConnFlags.TwoEntries) != 0) _table.RemoveEntry<S>(_view.Hash.OfKey(c->Rev), id);
        if ((c->Flags & ConnFlags.HasAlg) != 0) _expectations.Forget<S>(id);
        if ((c->Flags & ConnFlags.Admitted) != 0) _zones.Leave<S>(c, _view.Cold(id));
        bool isMarked = _slots.End<S>(id);
        if (IsForeign<S>(id))
        {
            Note<S>(id);
            return;
        }

        WheelUnlink(id);
        _slots.GiveBack<S>(id, isMarked);
    }

    /// <summary>Is there a slot, perhaps one of a connection that has expired?</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool HasRoom<S>(long nowMs)
        where S : struct, IConnSync
        => _slots.HasRoom<S>() || (ReadNotes<S>(nowMs, StepBudget) > 0 && _slots.HasRoom<S>()) || _slots.FreeRetired(StepBudget) > 0 || Turn<S>(nowMs, StepBudget) > 0;

    /// <summary>Does the connection belong into the wheel of another thread?</summary>
    private bool IsForeign<S>(int id)
        where S : struct, IConnSync
        => S.IsShared && _view.Cold(id)->Owner != _slots.Owner;

    private void Note<S>(int id)
        where S : struct, IConnSync
    {
        if (S.LeavesNotes) _owners[_view.Cold(id)->Owner].Notes.Add(id);
    }

    /// <summary>Looks at what other threads have done to connections of this one, a bounded number; returns how many.</summary>
    private int ReadNotes<S>(long nowMs, int budget)
        where S : struct, IConnSync
    {
        int read = 0;
        if (!S.IsShared) return read;
        while (read < budget && _slots.Notes.TryNext(out int id))
        {
            read++;

            // Who takes a slot writes its number before the place in the wheel.
            if (Volatile.Read(ref _view.Cold(id)->WheelSlot) == NotInWheel) continue;
            if (IsForeign<S>(id))
            {
                Note<S>(id);
                continue;
            }

            // The time of a ghost may have come while the note lay here.
            if (!TryExpire<S>(id, nowMs)) WheelMove(id);
        }

        return read;
    }

    /// <summary>Another thread has ended the connection: the slot is this one's to give back.</summary>
    private void GiveBackEnded<S>(int id)
        where S : struct, IConnSync
    {
        WheelUnlink(id);
        _slots.GiveBack<S>(id, Volatile.Read(ref _view.Cold(id)->OffloadRefs) > 0);
    }

    /// <summary>The time of a connection is another: it moves in the wheel of whoever has it.</summary>
    private void Move<S>(int id)
        where S : struct, IConnSync
    {
        if (IsForeign<S>(id)) Note<S>(id);
        else WheelMove(id);
    }

    private int Turn<S>(long nowMs, int budget)
        where S : struct, IConnSync
    {
        long target = nowMs >> TickShift;
        int handled = 0;

        // After a leap of the clock one turn is enough to see every slot, and whole turns leave each slot where it is.
        if (target - _tick >= 2 * WheelTurn) _tick += (((target - _tick) / WheelTurn) - 1) * WheelTurn;
        while (true)
        {
            if (_count == 0)
            {
                _tick = Math.Max(_tick, target);
                _spreadPending = false;
                return handled;
            }
            if (_spreadPending)
            {
                int coarse = FineSlots + (int)((_tick >> FineShift) & (CoarseSlots - 1));
                if (!Drain<S>(coarse, nowMs, budget, ref handled)) return handled;
                _spreadPending = false;
            }
            if (_tick >= target) return handled;
            if (!Drain<S>((int)(_tick & (FineSlots - 1)), nowMs, budget, ref handled)) return handled;
            _tick++;
            _spreadPending = (_tick & (FineSlots - 1)) == 0;
        }
    }

    /// <summary>Empties a slot: expired connections go, the others move on. False if the budget ran out.</summary>
    private bool Drain<S>(int slot, long nowMs, int budget, ref int handled)
        where S : struct, IConnSync
    {
        int id;
        while ((id = _wheel[slot]) != 0)
        {
            if (handled >= budget) return false;
            handled++;
            if (TryExpire<S>(id, nowMs)) continue;
            WheelUnlink(id);
            WheelLink(id);
        }
        return true;
    }

    /// <summary>A connection of this wheel goes if it has expired; true if it has gone.</summary>
    private bool TryExpire<S>(int id, long nowMs)
        where S : struct, IConnSync
    {
        ConnRecord* c = _view.Conn(id);
        _lock.Take<S>(c);
        bool hasEnded = S.IsShared && (c->Flags & ConnFlags.Live) == 0;
        bool isExpired = !hasEnded && nowMs >= c->ExpiryMs && !StaysAsGhost<S>(id, nowMs);
        if (hasEnded) GiveBackEnded<S>(id);
        else if (isExpired) Remove<S>(id);
        _lock.Release<S>(c);
        return hasEnded || isExpired;
    }

    private int SlotOf(long expiryMs)
    {
        long tick = Math.Max(expiryMs >> TickShift, _tick);
        if (tick - _tick < FineSlots) return (int)(tick & (FineSlots - 1));
        long coarse = Math.Min(tick >> FineShift, (_tick >> FineShift) + CoarseSlots - 1);
        return FineSlots + (int)(coarse & (CoarseSlots - 1));
    }

    /// <summary>When to look at a connection again: when it expires, or if it is a ghost, at the next sweep.</summary>
    private long WheelTimeOf(int id) => _view.Conn(id)->ExpiryMs < 0 ? _sweep.NextMs : _view.Conn(id)->ExpiryMs;

    private void WheelLink(int id)
    {
        int slot = SlotOf(WheelTimeOf(id));
        int head = _wheel[slot];
        ConnCold* cold = _view.Cold(id);
        cold->Next = head;
        cold->Prev = 0;
        Volatile.Write(ref cold->WheelSlot, (ushort)slot);
        if (head != 0) _view.Cold(head)->Prev = id;
        _wheel[slot] = id;
        _count++;
    }

    private void WheelUnlink(int id)
    {
        ConnCold* cold = _view.Cold(id);
        if (cold->Prev != 0) _view.Cold(cold->Prev)->Next = cold->Next;
        else _wheel[cold->WheelSlot] = cold->Next;
        if (cold->Next != 0) _view.Cold(cold->Next)->Prev = cold->Prev;
        cold->WheelSlot = NotInWheel;
        _count--;
    }

    private void WheelMove(int id)
    {
        if (SlotOf(WheelTimeOf(id)) == _view.Cold(id)->WheelSlot) return;
        WheelUnlink(id);
        WheelLink(id);
    }

    /// <summary>An empty wheel starts at the present: a clock that begins anywhere costs nothing.</summary>
    private void WheelStart(long nowMs)
    {
        if (_count > 0) return;
        _tick = Math.Max(_tick, nowMs >> TickShift);
        _spreadPending = false;
    }
}
