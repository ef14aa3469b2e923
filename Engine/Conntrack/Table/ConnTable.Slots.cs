namespace Mergeflow.Engine.Conntrack;

/// <remarks>Slots that no thread has: those never used, and those that threads have passed on. Threads take and give them by the block.</remarks>
internal sealed unsafe partial class ConnTable
{
    /// <summary>Most slots of a block.</summary>
    private const int MaxBlock = 64;

    /// <summary>A small table is cut into so many blocks per thread.</summary>
    private const int BlocksPerThread = 8;

    private int _passedHead;
    private int _slotLock;

    /// <summary>Slots of a block.</summary>
    public int BlockSize { get; }

    /// <summary>Slots from this one on never had a connection.</summary>
    public int HighWater => Volatile.Read(ref _highWater);

    /// <summary>Slots that never had a connection; returns the first.</summary>
    public int AddSlots(int count)
    {
        int first = _highWater;
        Volatile.Write(ref _highWater, first + count);
        if (first <= HugeIndexFrom && HugeIndexFrom < first + count) _bucketBlock.PreferHugePages();
        return first;
    }

    /// <summary>Passes on a block that is linked by <see cref="ConnCold.Next"/>.</summary>
    public void GiveBlock(int first, int last)
    {
        ConnWord.Take<SharedSync>(ref _slotLock);
        _view.Cold(last)->Next = _passedHead;
        _passedHead = first;
        ConnWord.Release<SharedSync>(ref _slotLock);
    }

    /// <summary>A block or what there is of one, linked by <see cref="ConnCold.Next"/>; 0 = there is nothing.</summary>
    public int TakeBlock(out int count)
    {
        ConnWord.Take<SharedSync>(ref _slotLock);
        int first = _passedHead;
        if (first != 0)
        {
            int last = first;
            for (count = 1; count < BlockSize && _view.Cold(last)->Next != 0; count++) last = _view.Cold(last)->Next;
            _passedHead = _view.Cold(last)->Next;
            _view.Cold(last)->Next = 0;
        }
        else
        {
            count = Math.Min(BlockSize, _view.Capacity + 1 - _highWater);
            if (count > 0)
            {
                first = AddSlots(count);
                for (int id = first; id < first + count; id++) _view.Cold(id)->Next = id + 1 < first + count ? id + 1 : 0;
            }
        }

        ConnWord.Release<SharedSync>(ref _slotLock);
        return first;
    }
}
