using Mergeflow.Engine.Ledger;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// The connection tracker: the semantics of Open vSwitch 3.1.0's user-space conntrack over unmanaged memory. Packets pass through <see cref="ForThread"/>, one for each
/// packet thread; what is here is for control. What the offload side may call is <see cref="Offload"/>.
/// </summary>
/// <remarks>
/// <code>
/// packet -> key (16 bytes) -> symmetric hash -> bucket (64 bytes: 8 signatures, 8 ids) -> ConnRecord[id] (2 lines: both tuples, TCP, mark, label)
/// </code>
/// A connection without NAT has one entry, found from both directions because the hash is symmetric; NAT that changes the tuple adds a
/// second entry. Ids are slots: <see cref="ConnRecord.Generation"/> tells two users of a slot, and two states of one user, apart.
/// </remarks>
public sealed unsafe partial class ConnTracker : IDisposable
{
    /// <summary>Most packet threads of one tracker.</summary>
    public const int MaxThreads = 64;

    private readonly ConnTable _table;
    private readonly ConnView _view;
    private readonly ConnKeyReader _keys;
    private readonly ConnMemory _memory = new();
    private readonly ZoneLimits _zones;
    private readonly TimeoutPolicies _timeouts;
    private readonly Expectations _expectations;
    private readonly ConnThread[] _threads;
    private readonly ConnSlots[] _owners;
    private readonly bool _isShared;
    private readonly int _capacity;

    /// <summary>How control ends connections: as packet thread 0 does if there is only that one.</summary>
    private readonly ConnExpiry _control;

    private bool _disposed;

    /// <summary>Builds an empty tracker.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is not within 1..16,777,216, or the number of threads not within 1..64.</exception>
    public ConnTracker(ConntrackOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.CapacityConnections, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.CapacityConnections, ConntrackOptions.MaxCapacityConnections, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ThreadCount, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.ThreadCount, MaxThreads, nameof(options));

        ulong seed = options.Seed != 0 ? options.Seed : ProcessSeed.For("conntrack");
        int threads = options.ThreadCount;
        _isShared = threads > 1;
        _capacity = options.CapacityConnections;
        _table = new ConnTable(_memory, options.CapacityConnections, seed, threads);
        _view = _table.View;
        _keys = new ConnKeyReader(_view.Hash, options.Quirks);
        _zones = new ZoneLimits(_memory, options.Quirks);
        _expectations = new Expectations(_memory, _view);
        _timeouts = new TimeoutPolicies(_memory, options.TimeoutPolicies);
        _owners = new ConnSlots[_isShared ? threads + 1 : 1];
        ConnKeeper* keepers = _isShared ? _memory.Reserve<ConnKeeper>(threads) : null;
        for (int i = 0; i < _owners.Length; i++) _owners[i] = new ConnSlots(_table, i, new ConnLock(_view, keepers, i, isControl: i >= threads));

        Offload = new ConnOffload(_view, _timeouts);
        var parts = new ConnParts(_memory, _table, _owners, new ConnSweep(options.SweepMs), _zones, _timeouts, _expectations);
        _threads = new ConnThread[threads];
        for (int i = 0; i < threads; i++) _threads[i] = new ConnThread(parts, i, options, seed + (ThreadStride * (ulong)i));
        _control = _isShared ? new ConnExpiry(parts, _owners[threads]) : _threads[0].Expiry;
    }

    /// <summary>What sets the random choices of two threads apart.</summary>
    private const ulong ThreadStride = 0x9e37_79b9_7f4a_7c16;

    /// <summary>What packet thread <paramref name="index"/> (0..<see cref="ThreadCount"/> - 1) sends its packets through. Only one thread at a time may call it.</summary>
    /// <exception cref="IndexOutOfRangeException">There is no such thread.</exception>
    public ConnThread ForThread(int index) => _threads[index];

    /// <summary>What another thread may call: the offload side's.</summary>
    public ConnOffload Offload { get; }

    /// <summary>
    /// Told about what control does to connections on which merged rules depend; null = nobody. With one packet thread it is told about what that does too. Where there are several, each
    /// has its own (<see cref="ConnThread.Observer"/>): an observer is called by one thread.
    /// </summary>
    public IConnObserver? Observer
    {
        get => _owners[^1].Observer;
        set => _owners[^1].Observer = value;
    }

    /// <summary>What the times of <see cref="Step"/> are taken by; packets come with steady times.</summary>
    public SteadyClock Clock { get; init; } = new();

    /// <summary>Connections in the table, expired ones that were not swept yet included.</summary>
    public int Count
    {
        get
        {
            int count = 0;
            foreach (ConnSlots slots in _owners) count += slots.Begun;
            return count;
        }
    }

    /// <summary>Packets that could not create a connection because the table was full (<see cref="ConntrackOptions.CapacityConnections"/>): the packet goes on as <c>+new</c>, and no answer to it is known.</summary>
    public ulong RefusedByFullTable => Sum(static thread => thread.RefusedByFullTable);

    /// <summary>Those for which their zone was full.</summary>
    public ulong RefusedByZoneLimit => Sum(static thread => thread.RefusedByZoneLimit);

    /// <summary>Those for which NAT found no free tuple.</summary>
    public ulong RefusedByNat => Sum(static thread => thread.RefusedByNat);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (ConnThread thread in _threads) thread.Dispose();
        _memory.Dispose();
    }

    private ulong Sum(Func<ConnThread, ulong> count)
    {
        ulong sum = 0;
        foreach (ConnThread thread in _threads) sum += count(thread);
        return sum;
    }
}
