namespace Mergeflow.Engine.Conntrack;

/// <remarks>Slots that no thread has: those never used, and those that threads have passed on. Threads take and give them by the block.</remarks>
internal sealed unsafe partial class ConnTable
{
    /// <summary>Most slots of a block.</summary>
    private const int MaxBlock = 64;

    /// <summary>A small table is cut into so many blocks per thread.</summary>
    private const int BlocksPerThread = 8;

    /// <summary>The first slot of the first block that each thread has passed on; 0 = none.</summary>
    private readonly int[] _passed;
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

    /// <summary>Passes on a block of <see cref="BlockSize"/> slots, linked by <see cref="ConnCold.Next"/> and ending with 0.</summary>
    public void GiveBlock(int owner, int first)
    {
        ConnWord.Take<SharedSync>(ref _slotLock);
        _view.Cold(first)->NextBlock = _passed[owner];
        _passed[owner] = first;
        ConnWord.Release<SharedSync>(ref _slotLock);
    }

    /// <summary>
    /// A block or what there is of one, linked by <see cref="ConnCold.Next"/>; 0 = there is nothing. A thread gets back what it has passed on, whose lines its processor may still have, then slots that
    /// never had a connection, then what others have passed on.
    /// </summary>
    public int TakeBlock(int owner, out int count)
    {
        ConnWord.Take<SharedSync>(ref _slotLock);
        count = BlockSize;
        int first = Pop(owner);
        if (first == 0)
        {
            count = Math.Min(BlockSize, _view.Capacity + 1 - _highWater);
            if (count > 0)
            {
                first = AddSlots(count);
                for (int id = first; id < first + count; id++) _view.Cold(id)->Next = id + 1 < first + count ? id + 1 : 0;
            }
            else
            {
                count = BlockSize;
                for (int other = 0; first == 0 && other < _passed.Length; other++) first = Pop(other);
            }
        }

        ConnWord.Release<SharedSync>(ref _slotLock);
        return first;
    }

    private int Pop(int owner)
    {
        int first = _passed[owner];
        if (first != 0) _passed[owner] = _view.Cold(first)->NextBlock;
        return first;
    }
}
