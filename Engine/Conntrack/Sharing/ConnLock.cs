using System.Runtime.CompilerServices;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// How one thread locks records: a bit of <see cref="ConnRecord.Flags"/>. Who holds one waits for no other record and no claim, so that waiting ends. Records are
/// never unmapped: a thread may lock one that has become another connection's, and looks at its tuples afterwards.
/// </summary>
/// <remarks>
/// A thread that sees both directions of a connection, and no other thread does, keeps the record locked between its packets: taking it again costs a comparison in place of a locked
/// instruction. The word of the record (<see cref="ConnView.KeepWord"/>) says who keeps it and until when. 1. The thread lets go of all that it keeps by moving its time on
/// (<see cref="LetGo"/>); it does so when it holds no record and somebody has asked, and before it does anything but packets. 2. Another thread that meets a kept record asks, and waits until
/// the time is another than the word's. 3. It swaps the word for one of its own: from then on it holds the record. Of a word that is no longer valid nobody but who swaps it first can make use.
/// A connection that a second thread has had to do with is not kept again; control counts for nobody.
/// </remarks>
internal sealed unsafe class ConnLock
{
    /// <summary>Thread 7 bits from here on.</summary>
    private const int ThreadShift = 55;

    private const ulong Kept = 1UL << 63;
    private const ulong TimeMask = (1UL << ThreadShift) - 1;
    private const ulong ThreadMask = ~(Kept | TimeMask);

    /// <summary>A word without <see cref="Kept"/> says which thread has seen what: original packets, replies.</summary>
    private const ulong SeenOriginal = 1;
    private const ulong SeenReply = 2;

    /// <summary>Several threads have seen it.</summary>
    private const ulong Several = 4;

    private readonly ConnView _view;
    private readonly ConnKeeper* _keepers;
    private readonly int _index;
    private readonly ulong _thread;
    private readonly bool _isControl;

    /// <summary>The word of what this thread keeps.</summary>
    private ulong _mine;

    /// <summary>It keeps something.</summary>
    private bool _isKeeping;

    /// <param name="view">The records.</param>
    /// <param name="keepers">One for each packet thread; null for one that is alone.</param>
    /// <param name="index">Number of the thread; that of control is behind the packet threads'.</param>
    /// <param name="isControl">It never keeps anything, and leaves no trace.</param>
    public ConnLock(in ConnView view, ConnKeeper* keepers, int index, bool isControl)
    {
        _view = view;
        _keepers = keepers;
        _index = index;
        _isControl = isControl;
        _thread = (ulong)(uint)(index + 1) << ThreadShift;
        _mine = Kept | _thread;
    }

    /// <summary>The thread promises to call <see cref="Between"/> between batches, and <see cref="LetGo"/> before it does anything else.</summary>
    public bool Keeps { get; set; }

    /// <summary>This thread keeps the connection: it holds the record already, and goes on doing so.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsKept(int id) => *_view.KeepWord(id) == _mine;

    /// <summary>Does a thread keep the connection whose word this is?</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsKeptBySomebody(ulong word) => (word & Kept) != 0;

    /// <summary>Waits for the record, and holds it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Take<S>(ConnRecord* c)
        where S : struct, IConnSync
    {
        if (!S.LocksRecords || IsMine(c)) return;
        if (!TryTakeFree(c)) Wait<S>(c);
    }

    /// <summary>Holds the record if nobody else does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake<S>(ConnRecord* c)
        where S : struct, IConnSync
        => !S.LocksRecords || IsMine(c) || TryTakeFree(c) || TryTakeKept<S>(c);

    /// <summary>Lets go of the record, unless this thread keeps it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Release<S>(ConnRecord* c)
        where S : struct, IConnSync
    {
        if (!S.LocksRecords || IsMine(c)) return;
        Unlock(c);
    }

    /// <summary>The same behind a packet of an established connection, after which the thread may keep the record.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ReleaseEstablished<S>(ConnRecord* c, bool reply)
        where S : struct, IConnSync
    {
        if (!S.LocksRecords || IsMine(c)) return;
        if (Keeps && MayKeep(c, reply)) return;
        Unlock(c);
    }

    /// <summary>Between batches: lets go of everything if somebody has asked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Between()
    {
        if (_isKeeping && Volatile.Read(ref _keepers[_index].IsAsked) != 0) LetGo();
    }

    /// <summary>Nothing is kept any longer. Not while a record is held.</summary>
    public void LetGo()
    {
        if (!_isKeeping) return;
        _isKeeping = false;
        ref ConnKeeper own = ref _keepers[_index];
        Interleaving.Step("H1 asked");
        Volatile.Write(ref own.IsAsked, 0);
        Interleaving.Step("H2 time");
        Volatile.Write(ref own.Time, own.Time + 1);
        _mine = Kept | _thread | own.Time;
    }

    /// <summary>The connection has ended: whoever has the slot next is not the one who kept it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Forget<S>(ConnRecord* c)
        where S : struct, IConnSync
    {
        if (S.LocksRecords) Volatile.Write(ref *_view.KeepWord(c), 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsMine(ConnRecord* c) => *_view.KeepWord(c) == _mine;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryTakeFree(ConnRecord* c)
    {
        Interleaving.Atomic("C1 lock");
        ref ushort flags = ref FlagsOf(c);
        ushort seen = Volatile.Read(ref flags);
        return (seen & (ushort)ConnFlags.Locked) == 0 && Interlocked.CompareExchange(ref flags, (ushort)(seen | (ushort)ConnFlags.Locked), seen) == seen;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Unlock(ConnRecord* c)
    {
        Interleaving.Step("C2 unlock");
        ref ushort flags = ref FlagsOf(c);
        Volatile.Write(ref flags, (ushort)(flags & ~(ushort)ConnFlags.Locked));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Wait<S>(ConnRecord* c)
        where S : struct, IConnSync
    {
        SpinWait spin = default;
        while (true)
        {
            // Who keeps this one may wait for one that this thread keeps.
            Between();
            Interleaving.Step("H3 word");
            if ((Volatile.Read(ref *_view.KeepWord(c)) & Kept) != 0 ? TryTakeKept<S>(c) : TryTakeFree(c)) return;
            ConnSpin.Once(ref spin, "C1 wait");
        }
    }

    /// <summary>Steps 2 and 3; false = it is not kept, or still is.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryTakeKept<S>(ConnRecord* c)
        where S : struct, IConnSync
    {
        ulong* word = _view.KeepWord(c);
        Interleaving.Step("H3 word");
        ulong seen = Volatile.Read(ref *word);
        if ((seen & Kept) == 0) return false;
        ref ConnKeeper keeper = ref _keepers[(int)((seen & ThreadMask) >> ThreadShift) - 1];
        Interleaving.Step("H4 time");
        if (S.AsksKeepers && Volatile.Read(ref keeper.Time) == (seen & TimeMask))
        {
            Interleaving.Step("H5 ask");
            Volatile.Write(ref keeper.IsAsked, 1);
            Interleaving.Step("H4 time");
            if (Volatile.Read(ref keeper.Time) == (seen & TimeMask)) return false;
        }

        ulong history = _isControl || (seen & ThreadMask) == _thread ? (seen & ThreadMask) | SeenOriginal | SeenReply : Several;
        Interleaving.Atomic("H6 swap");
        return Interlocked.CompareExchange(ref *word, history, seen) == seen;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool MayKeep(ConnRecord* c, bool reply)
    {
        ulong* word = _view.KeepWord(c);
        ulong seen = *word;
        if (seen == Several) return false;
        if (seen == (_thread | SeenOriginal | SeenReply))
        {
            Interleaving.Step("H7 keep");
            Volatile.Write(ref *word, _mine);
            _isKeeping = true;
            return true;
        }

        ulong direction = reply ? SeenReply : SeenOriginal;
        *word = seen == 0 || (seen & ThreadMask) == _thread ? seen | _thread | direction : Several;
        return false;
    }

    private static ref ushort FlagsOf(ConnRecord* c) => ref Unsafe.As<ConnFlags, ushort>(ref c->Flags);
}
