using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// One packet thread's way into a <see cref="ConnTracker"/>: what no other thread looks at while packets pass, fragments on hold among it. Connections are those
/// of the tracker, whichever thread made them. It makes the decisions of a packet in the order of OVS; what it decides by are types of their own, each
/// with the fields it owns.
/// </summary>
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

    internal ConnThread(in ConnParts parts, ConntrackOptions options, ulong seed)
    {
        _table = parts.Table;
        _view = _table.View;
        _keys = new ConnKeyReader(_view.Hash);
        _quirks = options.Quirks;
        _zones = parts.Zones;
        _timeouts = parts.Timeouts;
        _expectations = parts.Expectations;
        _expiry = parts.Expiry;
        _gateways = new ConnGateways(_view, _expectations, _quirks);
        _nat = new NatAllocator(_view, _expiry, seed);
        _defragmenter = new Defragmenter(options, seed);
        TcpSeqChk = options.TcpSeqChk;
    }

    /// <summary>See <see cref="ConntrackOptions.Quirks"/>.</summary>
    public Quirks Quirks => _quirks;

    /// <inheritdoc cref="ConnTracker.TcpSeqChk"/>
    public bool TcpSeqChk { get; internal set; }

    /// <inheritdoc cref="ConnTracker.RefusedByFullTable"/>
    public ulong RefusedByFullTable { get; private set; }

    /// <inheritdoc cref="ConnTracker.RefusedByZoneLimit"/>
    public ulong RefusedByZoneLimit { get; private set; }

    /// <inheritdoc cref="ConnTracker.RefusedByNat"/>
    public ulong RefusedByNat { get; private set; }

    /// <inheritdoc cref="ConnTracker.HeldFragments"/>
    public int HeldFragments => _defragmenter.Held;

    /// <inheritdoc cref="ConnTracker.FragmentsEvicted"/>
    public long FragmentsEvicted => _defragmenter.Evicted;

    /// <inheritdoc cref="ConnTracker.FragmentsRefused"/>
    public long FragmentsRefused { get; private set; }

    /// <inheritdoc cref="ConnTracker.DatagramsReassembled"/>
    public long DatagramsReassembled => _defragmenter.Reassembled;

    /// <inheritdoc/>
    public void Dispose() => _defragmenter.Dispose();
}
