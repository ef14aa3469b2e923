using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// Slots that their owner has to look at, because another thread has ended the connection or shortened its time: only the owner touches its wheel and its
/// free slots.
/// </summary>
/// <remarks>
/// A stack by <see cref="ConnCold.NoteNext"/>, any number of writers, one reader. 1. A writer marks the slot as noted: a swap of 0 for <see cref="End"/>. If that fails, the owner
/// will look anyway, and after what the writer has done. 2. It links the slot in front of the head and swaps the head. 3. The reader swaps the whole stack
/// for nothing. 4. It takes the mark off a slot, a locked instruction, and looks at the slot after that.
/// </remarks>
internal sealed unsafe class ConnNotes(ConnView view)
{
    /// <summary>The last of a stack.</summary>
    private const int End = -1;

    private readonly ConnView _view = view;
    private int _head = End;

    /// <summary>What the reader has taken and not looked at yet.</summary>
    private int _taken = End;

    /// <summary>Steps 1 and 2.</summary>
    public void Add(int id)
    {
        ref int next = ref _view.Cold(id)->NoteNext;
        Interleaving.Atomic("N1 mark");
        if (Interlocked.CompareExchange(ref next, End, 0) != 0) return;
        int head;
        do
        {
            head = Volatile.Read(ref _head);
            next = head;
            Interleaving.Atomic("N2 head");
        }
        while (Interlocked.CompareExchange(ref _head, id, head) != head);
    }

    /// <summary>Steps 3 and 4, by the owner: the next slot to look at; false = that was all.</summary>
    public bool TryNext(out int id)
    {
        if (_taken == End && Volatile.Read(ref _head) != End)
        {
            Interleaving.Atomic("N3 take");
            _taken = Interlocked.Exchange(ref _head, End);
        }

        id = _taken;
        if (id == End) return false;
        Interleaving.Atomic("N4 unmark");
        _taken = Interlocked.Exchange(ref _view.Cold(id)->NoteNext, 0);
        return true;
    }
}
