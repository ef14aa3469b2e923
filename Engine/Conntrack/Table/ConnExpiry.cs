namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// When connections end, and what goes with them: their entries, what they announced, their place in the zone. Decides what a search may still find.
/// </summary>
/// <remarks>
/// Expiry is a wheel of two levels: 256 slots of 512 ms, then 1024 slots of 131 s. A packet that extends its connection writes the new
/// time into the record only; when the slot comes up, the connection is moved to where it belongs by then. So a packet never touches
/// the wheel unless it shortens a timeout.
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

    /// <summary>Most that one step handles.</summary>
    public const int StepBudget = 256;

    /// <summary>First connection of each slot, 0 = empty.</summary>
    private readonly int* _wheel;

    /// <summary>Tick whose slot is the current one: everything in earlier slots has been dealt with.</summary>
    private long _tick;

    /// <summary>The coarse slot that starts with the current tick still has to be spread over the fine ones.</summary>
    private bool _spreadPending;

    private readonly ConnTable _table;
    private readonly ConnView _view;
    private readonly ZoneLimits _zones;
    private readonly Expectations _expectations;

    public ConnExpiry(ConnMemory memory, ConnTable table, ZoneLimits zones, Expectations expectations, long sweepMs)
    {
        _table = table;
        _view = table.View;
        _zones = zones;
        _expectations = expectations;
        _sweepMs = sweepMs;
        _wheel = memory.Reserve<int>(WheelSlotCount);
    }

    /// <summary>A connection is in the table: looks at it when it expires.</summary>
    public void Add(int id, long nowMs)
    {
        WheelStart(nowMs);
        WheelLink(id);
    }

    /// <summary>Removes connections that expired and gives back slots that waited for those who credit, a bounded number; returns how many expired.</summary>
    public int Step(long nowMs)
    {
        _table.FreeRetired(StepBudget);
        return Turn(nowMs, StepBudget);
    }

    /// <summary>Removes every connection that is expired at <paramref name="nowMs"/>, exactly; returns how many.</summary>
    public int ExpireAll(long nowMs)
    {
        int before = _table.Count;
        while (Turn(nowMs, int.MaxValue) > 0)
        {
        }
        for (int id = _wheel[_tick & (FineSlots - 1)]; id != 0;)
        {
            int next = _view.Cold(id)->Next;
            if (nowMs >= _view.Conn(id)->ExpiryMs && !StaysAsGhost(id, nowMs)) Remove(id);
            id = next;
        }
        return before - _table.Count;
    }

    /// <summary>Sets when a connection expires; one that expires earlier than thought moves in the wheel, a later one is moved when its slot comes up.</summary>
    public void Set(int id, long expiryMs)
    {
        ConnRecord* c = _view.Conn(id);
        bool earlier = expiryMs < c->ExpiryMs;
        c->ExpiryMs = expiryMs;
        if (earlier) WheelMove(id);
    }

    /// <summary>Takes a connection out of every structure; its generation moves.</summary>
    public void Remove(int id)
    {
        ConnRecord* c = _view.Conn(id);
        if ((c->Flags & ConnFlags.Ghost) == 0) _table.RemoveEntry(_view.Hash.OfKey(c->Fwd), id);
        if ((c->Flags & ConnFlags.TwoEntries) != 0) _table.RemoveEntry(_view.Hash.OfKey(c->Rev), id);
        WheelUnlink(id);
        if ((c->Flags & ConnFlags.HasAlg) != 0) _expectations.Forget(id);
        if ((c->Flags & ConnFlags.Admitted) != 0) _zones.Leave(c, _view.Cold(id));
        _table.End(id);
    }

    /// <summary>Is there a slot, perhaps one of a connection that has expired?</summary>
    public bool HasRoom(long nowMs)
        => _table.HasRoom || _table.FreeRetired(StepBudget) > 0 || Turn(nowMs, StepBudget) > 0;

    private int Turn(long nowMs, int budget)
    {
        long target = nowMs >> TickShift;
        int handled = 0;

        // After a leap of the clock one turn is enough to see every slot, and whole turns leave each slot where it is.
        if (target - _tick >= 2 * WheelTurn) _tick += (((target - _tick) / WheelTurn) - 1) * WheelTurn;
        while (true)
        {
            if (_table.Count == 0)
            {
                _tick = Math.Max(_tick, target);
                _spreadPending = false;
                return handled;
            }
            if (_spreadPending)
            {
                int coarse = FineSlots + (int)((_tick >> FineShift) & (CoarseSlots - 1));
                if (!Drain(coarse, nowMs, budget, ref handled)) return handled;
                _spreadPending = false;
            }
            if (_tick >= target) return handled;
            if (!Drain((int)(_tick & (FineSlots - 1)), nowMs, budget, ref handled)) return handled;
            _tick++;
            _spreadPending = (_tick & (FineSlots - 1)) == 0;
        }
    }

    /// <summary>Empties a slot: expired connections go, the others move on. False if the budget ran out.</summary>
    private bool Drain(int slot, long nowMs, int budget, ref int handled)
    {
        int id;
        while ((id = _wheel[slot]) != 0)
        {
            if (handled >= budget) return false;
            handled++;
            if (nowMs >= _view.Conn(id)->ExpiryMs && !StaysAsGhost(id, nowMs))
            {
                Remove(id);
                continue;
            }
            WheelUnlink(id);
            WheelLink(id);
        }
        return true;
    }

    private int SlotOf(long expiryMs)
    {
        long tick = Math.Max(expiryMs >> TickShift, _tick);
        if (tick - _tick < FineSlots) return (int)(tick & (FineSlots - 1));
        long coarse = Math.Min(tick >> FineShift, (_tick >> FineShift) + CoarseSlots - 1);
        return FineSlots + (int)(coarse & (CoarseSlots - 1));
    }

    /// <summary>When to look at a connection again: when it expires, or if it is a ghost, at the next sweep.</summary>
    private long WheelTimeOf(int id) => _view.Conn(id)->ExpiryMs < 0 ? _nextSweepMs : _view.Conn(id)->ExpiryMs;

    private void WheelLink(int id)
    {
        int slot = SlotOf(WheelTimeOf(id));
        int head = _wheel[slot];
        ConnCold* cold = _view.Cold(id);
        cold->Next = head;
        cold->Prev = 0;
        cold->WheelSlot = slot;
        if (head != 0) _view.Cold(head)->Prev = id;
        _wheel[slot] = id;
    }

    private void WheelUnlink(int id)
    {
        ConnCold* cold = _view.Cold(id);
        if (cold->Prev != 0) _view.Cold(cold->Prev)->Next = cold->Next;
        else _wheel[cold->WheelSlot] = cold->Next;
        if (cold->Next != 0) _view.Cold(cold->Next)->Prev = cold->Prev;
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
        if (_table.Count > 1) return;
        _tick = Math.Max(_tick, nowMs >> TickShift);
        _spreadPending = false;
    }
}
