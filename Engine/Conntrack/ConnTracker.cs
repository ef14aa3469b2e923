using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Ledger;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// The connection tracker: the semantics of Open vSwitch 3.1.0's user-space conntrack over unmanaged memory. One thread calls it; what one other thread may
/// call is <see cref="Offload"/>. It makes the decisions of a packet in the order of OVS; what it decides by are types of their own, each with the fields it owns.
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
    private readonly ConnTable _table;
    private readonly ConnView _view;
    private readonly ConnKeyReader _keys;
    private readonly Quirks _quirks;
    private readonly ConnMemory _memory = new();
    private readonly ZoneLimits _zones;
    private readonly TimeoutPolicies _timeouts;
    private readonly Expectations _expectations;
    private readonly ConnGateways _gateways;
    private readonly ConnExpiry _expiry;
    private readonly NatAllocator _nat;
    private readonly Defragmenter _defragmenter;

    private bool _disposed;

    /// <summary>See <see cref="ConntrackOptions.Quirks"/>.</summary>
    public Quirks Quirks => _quirks;

    /// <summary>Builds an empty tracker.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is not within 1..16,777,216.</exception>
    public ConnTracker(ConntrackOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.CapacityConnections, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.CapacityConnections, ConntrackOptions.MaxCapacityConnections, nameof(options));

        _quirks = options.Quirks;
        ulong seed = options.Seed != 0 ? options.Seed : ProcessSeed.For("conntrack");
        _table = new ConnTable(_memory, options.CapacityConnections, seed);
        _view = _table.View;
        _keys = new ConnKeyReader(_view.Hash);
        _zones = new ZoneLimits(_memory, _quirks);
        _expectations = new Expectations(_memory, _view);
        _gateways = new ConnGateways(_view, _expectations, _quirks);
        _timeouts = new TimeoutPolicies(_memory, options.TimeoutPolicies);
        _expiry = new ConnExpiry(_memory, _table, _zones, _expectations, options.SweepMs);
        _nat = new NatAllocator(_view, _expiry, seed);

        Offload = new ConnOffload(_view, _timeouts);
        TcpSeqChk = options.TcpSeqChk;
        _defragmenter = new Defragmenter(options, seed);
    }

    /// <summary>What another thread may call: the offload side's.</summary>
    public ConnOffload Offload { get; }

    /// <summary>Told about changes of connections that merged rules depend on; null = nobody.</summary>
    public IConnObserver? Observer
    {
        get => _table.Observer;
        set => _table.Observer = value;
    }

    /// <summary>What the times of <see cref="Step"/> are taken by; packets come with steady times.</summary>
    public SteadyClock Clock { get; init; } = new();

    /// <summary>Check TCP sequence numbers.</summary>
    public bool TcpSeqChk { get; set; }

    /// <summary>Connections in the table, expired ones that were not swept yet included.</summary>
    public int Count => _table.Count;

    /// <summary>Packets that could not create a connection because the table was full (<see cref="ConntrackOptions.CapacityConnections"/>): the packet goes on as <c>+new</c>, and no answer to it is known.</summary>
    public ulong RefusedByFullTable { get; private set; }

    /// <summary>Those for which their zone was full.</summary>
    public ulong RefusedByZoneLimit { get; private set; }

    /// <summary>Those for which NAT found no free tuple.</summary>
    public ulong RefusedByNat { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _defragmenter.Dispose();
        _memory.Dispose();
    }
}
