using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// The right to add a connection's tuples: while it is held, nobody else adds a tuple whose first bucket is theirs. So a tuple that was free stays free.
/// </summary>
/// <remarks>
/// <see cref="ConnBucket.Claims"/> is odd while somebody holds it, and another even number afterwards. 1. Who searches for a tuple reads the number first. 2. If the tuple is free,
/// the number is swapped for the odd one behind it; if that fails, somebody has added a tuple since, and the search begins again. 3. The entries are placed.
/// 4. The number moves on. Nobody waits while holding one: of two, the second is tried, and the first given back unused if that fails; all take them in the order of
/// their addresses, so that one of two always gets both.
/// </remarks>
internal unsafe struct ConnClaim
{
    private readonly ConnView _view;
    private readonly uint* _own;
    private readonly uint _ownSeen;
    private uint* _other;

    /// <summary>For a connection whose first tuple has this hash and was searched for when its number was <paramref name="seen"/>.</summary>
    public ConnClaim(in ConnView view, ulong hash, uint seen)
    {
        _view = view;
        _own = &view.Bucket(hash)->Claims;
        _ownSeen = seen;
    }

    /// <summary>Both tuples are the caller's.</summary>
    public bool IsHeld { get; private set; }

    /// <summary>Somebody has added a tuple where the first one belongs: the packet has to look again.</summary>
    public bool IsLost { get; private set; }

    /// <summary>Step 1.</summary>
    public static uint Read(in ConnView view, ulong hash)
    {
        Interleaving.Step("B1 number");
        return Volatile.Read(ref view.Bucket(hash)->Claims);
    }

    /// <summary>Nobody else adds a tuple with this hash at the moment; waits for who does, holding no record.</summary>
    public static uint ReadFree(in ConnView view, ConnLock by, ulong hash)
    {
        SpinWait spin = default;
        uint seen;
        while (((seen = Read(view, hash)) & 1) != 0)
        {
            // Who has it may wait for a record that this thread keeps.
            by.Between();
            ConnSpin.Once(ref spin, "B1 wait");
        }

        return seen;
    }

    /// <summary>Step 2 for a connection whose tuples have one hash.</summary>
    public bool TryTake<S>()
        where S : struct, IConnSync
    {
        if (!S.ClaimsTuples) return IsHeld = true;
        IsLost = !Swap(_own, _ownSeen);
        return IsHeld = !IsLost;
    }

    /// <summary>Step 2 for both tuples; false and not <see cref="IsLost"/> = the second is to be searched for again.</summary>
    public bool TryTake<S>(ulong otherHash, uint otherSeen)
        where S : struct, IConnSync
    {
        uint* other = &_view.Bucket(otherHash)->Claims;
        if (!S.ClaimsTuples || other == _own) return TryTake<S>();
        bool isOwnFirst = _own < other;
        uint* first = isOwnFirst ? _own : other;
        uint* second = isOwnFirst ? other : _own;
        (uint firstSeen, uint secondSeen) = isOwnFirst ? (_ownSeen, otherSeen) : (otherSeen, _ownSeen);
        if (!Swap(first, firstSeen))
        {
            IsLost = isOwnFirst;
            return false;
        }

        if (!Swap(second, secondSeen))
        {
            Interleaving.Step("B2 back");
            Volatile.Write(ref *first, firstSeen);
            IsLost = !isOwnFirst;
            return false;
        }

        _other = other;
        return IsHeld = true;
    }

    /// <summary>Step 4.</summary>
    public void Release<S>()
        where S : struct, IConnSync
    {
        if (!IsHeld) return;
        IsHeld = false;
        if (!S.ClaimsTuples) return;
        Move(_own);
        if (_other != null) Move(_other);
    }

    private static bool Swap(uint* word, uint seen)
    {
        if ((seen & 1) != 0) return false;
        Interleaving.Atomic("B2 claim");
        return Interlocked.CompareExchange(ref *word, seen + 1, seen) == seen;
    }

    private static void Move(uint* word)
    {
        Interleaving.Step("B4 number");
        Volatile.Write(ref *word, *word + 1);
    }
}
