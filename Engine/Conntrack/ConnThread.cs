using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Ledger;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// One packet thread's way into a <see cref="ConnTracker"/>: what no other thread looks at while packets pass, fragments on hold among it. Connections are those
/// of the tracker, whichever thread made them. It makes the decisions of a packet in the order of OVS; what it decides by are types of their own, each
/// with the fields it owns.
/// </summary>
/// <remarks>
/// Threads that share connections keep to this (<see cref="SharedSync"/>); one alone does none of it (<see cref="AloneSync"/>).
/// 1. A search takes no lock. What looks like the tuple is locked (<see cref="ConnLock"/>) and looked at again; the packet holds it until it is through. A search that found nothing
/// looks again if the buckets have changed meanwhile (<see cref="ConnTable.IsVersion"/>).
/// 2. Who begins a connection claims its tuples (<see cref="ConnClaim"/>): the packet's own as of before the search, the reply's as of before it was found to be free. If somebody was
/// faster, the packet begins again. It fills in a slot of its own, which it holds, then places the entries, then lets go of the claims and, at the end, of the record.
/// A packet that replaces a closed connection ends it first and begins its own after that, as in OVS: another thread may begin one in between.
/// 3. Any thread ends any connection that it holds. Its slot goes back to its owner, and so does news of a shorter timeout (<see cref="ConnNotes"/>).
/// 4. Order of what is held: claims, one record, buckets or one <see cref="ConnWord"/>. Who holds a record of the table waits for no other record and no claim; who holds claims waits
/// for records, which are let go without claims. So somebody always gets on.
/// </remarks>
public sealed unsafe partial class ConnThread : IDisposable
{
    private readonly ConnTable _table;
    private readonly ConnView _view;
    private readonly ConnKeyReader _keys;
    private readonly Quirks _quirks;
    private readonly ZoneLimits _zones;
    private readonly TimeoutPolicies _timeouts;
    private readonly Expectations _expectations;
    private readonly ConnGateways _gateways;
    private readonly ConnExpiry _expiry;
    private readonly NatAllocator _nat;
    private readonly Defragmenter _defragmenter;
    private readonly ConnSlots _slots;
    private readonly ConnLock _lock;
    private readonly ConnSlots[] _owners;

    /// <summary>There are other threads.</summary>
    private readonly bool _isShared;

    /// <summary>What the packet at hand was expected by, if it was.</summary>
    private CtExpectation _expected;

    internal ConnThread(in ConnParts parts, int index, ConntrackOptions options, ulong seed)
    {
        _isShared = options.ThreadCount > 1;
        _owners = parts.Owners;
        _slots = _owners[index];
        _lock = _slots.Lock;
        _table = parts.Table;
        _view = _table.View;
        _quirks = options.Quirks;
        _keys = new ConnKeyReader(_view.Hash, _quirks);
        _zones = parts.Zones;
        _timeouts = parts.Timeouts;
        _expectations = parts.Expectations;
        _expiry = new ConnExpiry(parts, _slots);
        _gateways = new ConnGateways(_view, _expectations, _quirks);
        _nat = new NatAllocator(_view, _expiry, _quirks, seed);
        _defragmenter = new Defragmenter(options, seed);
        TcpSeqChk = options.TcpSeqChk;
    }

    internal ConnExpiry Expiry => _expiry;

    /// <summary>
    /// The thread keeps connections to itself that no other thread sees (<see cref="ConnLock"/>): it calls <see cref="Between"/> between batches and <see cref="LetGo"/> before it does anything else,
    /// sleeps or ends. Without that promise, false, every packet locks its connection.
    /// </summary>
    public bool KeepsConnections
    {
        get => _lock.Keeps;
        set
        {
            if (!value) _lock.LetGo();
            _lock.Keeps = value && _isShared;
        }
    }

    /// <summary>Between batches: lets go of the connections that the thread keeps if another thread has asked for one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Between() => _lock.Between();

    /// <summary>Lets go of the connections that the thread keeps.</summary>
    public void LetGo() => _lock.LetGo();

    /// <summary>See <see cref="ConntrackOptions.Quirks"/>.</summary>
    public Quirks Quirks => _quirks;

    /// <summary>Fragments of this thread.</summary>
    internal Defragmenter Fragments => _defragmenter;

    /// <inheritdoc cref="ConnTracker.MaxConnections"/>
    internal int MaxConnections { get; set; } = int.MaxValue;

    /// <inheritdoc cref="ConnTracker.TcpSeqChk"/>
    public bool TcpSeqChk { get; internal set; }

    /// <summary>Told about changes that this thread makes to connections on which merged rules depend, whoever made these; null = nobody.</summary>
    public IConnObserver? Observer
    {
        get => _slots.Observer;
        set => _slots.Observer = value;
    }

    /// <inheritdoc cref="ConnTracker.RefusedByFullTable"/>
    public ulong RefusedByFullTable { get; private set; }

    /// <inheritdoc cref="ConnTracker.RefusedByZoneLimit"/>
    public ulong RefusedByZoneLimit { get; private set; }

    /// <inheritdoc cref="ConnTracker.RefusedByNat"/>
    public ulong RefusedByNat { get; private set; }

    /// <inheritdoc cref="ConnTracker.FragmentsRefused"/>
    public long FragmentsRefused { get; private set; }

    /// <inheritdoc/>
    public void Dispose() => _defragmenter.Dispose();
}
